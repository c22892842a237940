"""Golden values for the classical learners of methods-retrieval.md, sections 33 to 36.

    python -m venv v && v/bin/pip install metric-learn==0.7.0 'scikit-learn==1.4.2' 'numpy<2' 'scipy<1.14'
    v/bin/python classical.py classical.json            # the shared fixtures
    v/bin/python classical.py --other OUT.json        # other data, seeds and constraints: classical.json here
                                                      # holds those on blobs5, slope, malts and nearness

Every case says: the data set, the parameters, the constraints as indices into the training rows (so
that nobody needs numpy's generator), what the library finds, what our own formulas give for the same
thing, and, where the problem is convex, the true optimum, found by another solver than the library's.
`kind` says how a case may be compared:
  closed   M itself, to `tolerance` (relative, Frobenius)
  convex   one optimum: M* to `tolerance`; the objective must not be worse than the library's
  local    not convex: value and gradient at the stated points to `tolerance`; the final objective must
           not be worse than the library's by more than `slack`; M itself is NOT comparable
  random   the library draws at random: only the objective is bounded (optimum given) and the accuracy shown
Of mmc: the library uses up to 1 % more than its budget; take 0.5 log(libraryBudgetUsed) off its objective first.
Of mmc diagonal: the library is wrong (methods-retrieval.md, section 33); its numbers are there to be recognised.
Matrices lie by rows. L is k x D, M = L^T L. kNN: Euclidean distance of L x, k = 3, majority, a tie goes
to the nearest of the tied; training rows are those whose index i has i % 3 != 2, the others are tests.
"""
import json, sys, time, warnings
import numpy as np
import scipy.linalg as sl, scipy.optimize as so
warnings.filterwarnings("ignore")
import metric_learn as ml, sklearn, scipy
from metric_learn.constraints import Constraints
from sklearn.datasets import load_iris, load_wine, load_digits, load_breast_cancer
from sklearn.metrics import pairwise_distances

OTHER = "--other" in sys.argv


# ---- data

def lcg(seed):
    x = seed
    while True:
        x = (1103515245 * x + 12345) % 2**31
        yield x / 2**31


def blobs(n, classes, seed):
    """Classes on a line in 2 dimensions, stretched; 3 dimensions of noise, one of them large."""
    u = lcg(seed)
    draw = lambda: sum(next(u) for _ in range(12)) - 6  # nearly normal
    X, y = [], []
    for i in range(n):
        c = i % classes
        a, b = draw(), draw()
        X.append([1.5 * c + 0.5 * a, -0.8 * c + 0.5 * a + 0.3 * b, 4 * draw(), draw(), 0.5 * draw()])
        y.append(c)
    return np.array(X), np.array(y)


def slope(n, seed):
    """A regression set: y is a smooth function of one direction of 4 features."""
    u = lcg(seed)
    X = np.array([[2 * next(u) - 1 for _ in range(4)] for _ in range(n)])
    return X, np.sin(2 * (X @ [1, -1, .5, 0])) + 0.1 * X[:, 0]


def datasets():
    r6 = lambda a: np.round(np.asarray(a, float), 6)
    out = {}
    if not OTHER:
        out["iris"] = load_iris(return_X_y=True)
        X, y = load_wine(return_X_y=True)
        out["wine"] = ((X - X.mean(0)) / X.std(0), y)
        X, y = load_digits(return_X_y=True)
        keep = np.flatnonzero(y < 6)[:210]
        out["digits16"] = (X[keep].reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16) / 16, y[keep])
        out["blobs"] = blobs(120, 4, 7)
        out["slope"] = slope(120, 11)
    else:
        X, y = load_breast_cancer(return_X_y=True)
        out["cancer10"] = (((X - X.mean(0)) / X.std(0))[100:280, :10], y[100:280])
        X, y = load_digits(return_X_y=True)
        keep = np.flatnonzero(y >= 4)[300:480]
        out["digits16b"] = (X[keep].reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16) / 16, y[keep])
        out["blobs5"] = blobs(100, 5, 4242)
        out["slope"] = slope(100, 99)
    return {k: (r6(X), np.asarray(y)) for k, (X, y) in out.items()}


def split(n):
    i = np.arange(n)
    return i[i % 3 != 2], i[i % 3 == 2]


def knn_correct(L, X, y, tr, te, k=3):
    A, B = X[tr] @ L.T, X[te] @ L.T
    right = 0
    for b, t in zip(B, y[te]):
        d = ((A - b) ** 2).sum(1)
        near = np.argsort(d, kind="stable")[:k]
        labels = list(y[tr][near])
        best = max(labels.count(l) for l in labels)
        right += next(l for l in labels if labels.count(l) == best) == t
    return int(right)


def root(M):
    w, V = np.linalg.eigh((M + M.T) / 2)
    return (V * np.sqrt(np.maximum(w, 0))).T


# ---- our own formulas (section 33)

def nca(L, X, y):
    """Sum of the probabilities of a right neighbour, to maximise, and its gradient."""
    E = X @ L.T
    d = ((E[:, None] - E[None]) ** 2).sum(-1); np.fill_diagonal(d, np.inf)
    P = np.exp(-d - sl.logsumexp(-d, axis=1, keepdims=True)) if hasattr(sl, "logsumexp") else None
    if P is None:
        d0 = d.min(1, keepdims=True); P = np.exp(d0 - d); P /= P.sum(1, keepdims=True)
    mask = y[:, None] == y[None]
    p = (P * mask).sum(1)
    W = P * mask - P * p[:, None]
    S = W + W.T; np.fill_diagonal(S, -W.sum(0))
    return p.sum(), 2 * E.T @ S @ X


def mlkr(L, X, y):
    E = X @ L.T
    d = ((E[:, None] - E[None]) ** 2).sum(-1); np.fill_diagonal(d, np.inf)
    d0 = d.min(1, keepdims=True); P = np.exp(d0 - d); P /= P.sum(1, keepdims=True)
    yh = P @ y
    W = P * (yh - y)[:, None] * (y[None] - yh[:, None])
    S = W + W.T; np.fill_diagonal(S, -W.sum(0))
    return ((yh - y) ** 2).sum(), 4 * E.T @ S @ X


def lmnn_targets(X, y, k):
    T = np.empty((len(X), k), int)
    for c in np.unique(y):
        i = np.flatnonzero(y == c)
        d = ((X[i][:, None] - X[i][None]) ** 2).sum(-1); np.fill_diagonal(d, np.inf)
        T[i] = i[np.argsort(d, 1, kind="stable")[:, :k]]
    return T


def lmnn(L, X, y, T, reg):
    E = X @ L.T
    D = ((E[:, None] - E[None]) ** 2).sum(-1)
    value, G = 0., np.zeros((X.shape[1],) * 2)
    for i in range(len(X)):
        out = np.flatnonzero(y != y[i])
        for j in T[i]:
            v = X[i] - X[j]
            value += reg * D[i, j]; G += reg * np.outer(v, v)
            h = 1 + D[i, j] - D[i, out]
            act = out[h > 0]
            value += (1 - reg) * h[h > 0].sum()
            G += (1 - reg) * len(act) * np.outer(v, v)
            U = X[i] - X[act]
            G -= (1 - reg) * U.T @ U
    return value, 2 * L @ G


def itml_value(M, V, sign, bounds, gamma):
    """ITML with the slack variables eliminated: the best slack of a similar pair is max(d, u), of a dissimilar
    one min(d, l), which leaves a smooth convex function of M alone,
    tr M - logdet M - D + gamma sum h(max(d, u)/u) + gamma sum h(min(d, l)/l), h(r) = r - log r - 1."""
    d = np.einsum("ij,jk,ik->i", V, M, V)
    b = np.where(sign > 0, bounds[0], bounds[1])
    r = np.where(sign > 0, np.maximum(d, b), np.minimum(d, b)) / b
    value = np.trace(M) - np.linalg.slogdet(M)[1] - len(M) + gamma * (r - np.log(r) - 1).sum()
    slope = gamma * np.where(r == 1, 0, (1 - 1 / r) / b)
    return value, np.eye(len(M)) - np.linalg.inv(M) + (V.T * slope) @ V, b * r


def itml(V, sign, bounds, gamma=1.):
    D = V.shape[1]

    def f(c):
        C = c.reshape(D, D)
        v, G, _ = itml_value(C @ C.T, V, sign, bounds, gamma)
        return v, 2 * (G @ C).ravel()
    start = np.eye(D) * min(1., bounds[0] ** .5)
    for _ in range(3):
        o = so.minimize(f, start.ravel(), jac=True, method="L-BFGS-B", options=dict(maxiter=50000, maxfun=200000, ftol=1e-17, gtol=1e-12, maxcor=60))
        start = o.x.reshape(D, D)
    M = start @ start.T
    v, G, xi = itml_value(M, V, sign, bounds, gamma)
    return M, xi, float(np.linalg.norm(G @ start))


def itml_objective(M, xi, V, sign, bounds, gamma):
    """D_ld(M, I) + gamma D_ld(diag xi, diag xi0), xi the tightest that the pairs allow."""
    x0 = np.where(sign > 0, bounds[0], bounds[1])
    r = xi / x0
    return np.trace(M) - np.linalg.slogdet(M)[1] - len(M) + gamma * (r - np.log(r) - 1).sum()


def lsml(M, A, B, w, M0inv):
    """The loss with normalised weights and its TRUE gradient (the library leaves w out of it)."""
    a = np.einsum("ij,jk,ik->i", A, M, A); b = np.einsum("ij,jk,ik->i", B, M, B)
    v = a > b
    value = (w[v] * (np.sqrt(a[v]) - np.sqrt(b[v])) ** 2).sum() + (M * M0inv).sum() - np.linalg.slogdet(M)[1]
    G = M0inv - np.linalg.inv(M)
    ra, rb = np.sqrt(b[v] / a[v]), np.sqrt(a[v] / b[v])
    G = G + (A[v] * (w[v] * (1 - ra))[:, None]).T @ A[v] + (B[v] * (w[v] * (1 - rb))[:, None]).T @ B[v]
    return value, G


def lsml_optimum(A, B, w, M0inv, D):
    f = lambda l: (lambda val, g: (val, 2 * (g @ l.reshape(D, D)).ravel()))(*lsml(l.reshape(D, D) @ l.reshape(D, D).T, A, B, w, M0inv))
    r = so.minimize(f, np.linalg.cholesky(np.linalg.inv(M0inv)).ravel(), jac=True, method="L-BFGS-B",
                    options=dict(maxiter=20000, ftol=1e-16, gtol=1e-11, maxfun=100000, maxcor=50))
    C = r.x.reshape(D, D); M = C @ C.T
    return M, *lsml(M, A, B, w, M0inv)


def lfda(X, y, k, dim):
    n, d = X.shape
    Sw = np.zeros((d, d)); Sb = np.zeros((d, d))
    Ww = np.zeros((n, n)); Wb = np.full((n, n), 1 / n)
    for c in np.unique(y):
        i = np.flatnonzero(y == c); nc = len(i)
        dist = ((X[i][:, None] - X[i][None]) ** 2).sum(-1)
        kk = min(k, nc - 1)
        s = np.sqrt(np.sort(dist, 1)[:, kk])
        A = np.exp(-dist / np.where(np.outer(s, s) == 0, np.inf, np.outer(s, s))); A[np.outer(s, s) == 0] = 0
        Ww[np.ix_(i, i)] = A / nc
        Wb[np.ix_(i, i)] = A * (1 / n - 1 / nc)
    scatter = lambda W: X.T @ (np.diag(W.sum(1)) - W) @ X
    Sw, Sb = scatter(Ww), scatter(Wb)
    w, V = sl.eigh((Sb + Sb.T) / 2, (Sw + Sw.T) / 2)
    o = np.argsort(-w)[:dim]
    return w[o], V[:, o], Sw, Sb


def sdml_value(M, S, alpha):
    return np.trace(S @ M) - np.linalg.slogdet(M)[1] + alpha * (np.abs(M).sum() - np.abs(np.diag(M)).sum())


def rca(X, chunks, dim=None):
    use = chunks >= 0
    R = np.vstack([X[chunks == c] - X[chunks == c].mean(0) for c in range(chunks.max() + 1)])
    C = R.T @ R / len(R)
    if dim is None or dim == X.shape[1]:
        return np.linalg.inv(C)
    T = np.cov(X[use], rowvar=False)
    w, V = sl.eigh(C, T)
    A = V[:, :dim]
    return A @ np.linalg.inv(A.T @ C @ A) @ A.T


def mmc_values(M, P, N):
    return np.einsum("ij,jk,ik->", P, M, P), np.log(np.sqrt(np.maximum(0, np.einsum("ij,jk,ik->i", N, M, N))).sum() + 1e-6)


def mmc_optimum(P, N, D):
    """max log sum sqrt(d_N) s.t. sum d_P <= 1: homogeneous, so solve in a ball-free form with M = C C^T / sum_P."""
    W = P.T @ P

    def f(c):
        C = c.reshape(D, D)
        q = np.sqrt(((N @ C) ** 2).sum(1) + 1e-300); s = (C * (W @ C)).sum()
        G = (N / q[:, None]).T @ (N @ C) / q.sum() - W @ C / s
        return -(np.log(q.sum()) - .5 * np.log(s)), -G.ravel()
    best = None
    for seed in range(3):
        r = np.random.RandomState(seed)
        c0 = np.eye(D) + .1 * r.randn(D, D)
        o = so.minimize(f, c0.ravel(), jac=True, method="L-BFGS-B", options=dict(maxiter=50000, maxfun=200000, ftol=1e-16, gtol=1e-12, maxcor=50))
        if best is None or o.fun < best.fun: best = o
    C = best.x.reshape(D, D)
    return C @ C.T / (C * (W @ C)).sum(), -best.fun


def scml_optimum(Z, beta):
    """min beta sum w + mean(1 + Z w)_+ , w >= 0: a linear programme."""
    n, b = Z.shape
    c = np.concatenate([np.full(b, beta), np.full(n, 1 / n)])
    from scipy.sparse import csr_matrix, hstack, identity
    A = hstack([csr_matrix(Z), -identity(n)])
    r = so.linprog(c, A_ub=A, b_ub=-np.ones(n), bounds=[(0, None)] * (b + n), method="highs")
    return r.fun, r.x[:b]


# ---- sections 34 to 36

def malts_objective(m, X, Xd, T, Y, K, C):
    """Exact rule of section 34 with ties impossible (continuous data): K nearest of the same arm, without itself."""
    total = 0.
    for arm in (1, 0):
        i = np.flatnonzero(T == arm)
        D = ((X[i][:, None] - X[i][None]) ** 2 * m[:X.shape[1]] ** 2).sum(-1)
        D = D + ((Xd[i][:, None] != Xd[i][None]) * m[X.shape[1]:] ** 2).sum(-1)
        np.fill_diagonal(D, np.inf)
        near = np.argsort(D, 1, kind="stable")[:, :K]
        total += ((Y[i] - Y[i][near].mean(1)) ** 2).sum()
    return total + C * (m ** 2).sum() + 1e25 * (m < 0).sum()


def ordinal_mds(X, r, s, k, mu, rho):
    R = int(r.max()); X = X - X.mean(0); n = len(X)
    D2 = np.subtract.outer(np.arange(1, R + 1), np.arange(1, R + 1)).astype(float) ** 2
    J = np.eye(R) - 1 / R
    w, V = np.linalg.eigh(-.5 * J @ D2 @ J)
    o = np.argsort(-w)[:s]; Zc = V[:, o] * np.sqrt(np.maximum(w[o], 0))
    Z = Zc[r - 1]
    A = np.zeros((n, n))
    for c in np.unique(r):
        i = np.flatnonzero(r == c)
        d = ((X[i][:, None] - X[i][None]) ** 2).sum(-1); np.fill_diagonal(d, np.inf)
        for a, near in zip(i, i[np.argsort(d, 1, kind="stable")[:, :min(k, len(i) - 1)]]):
            A[a, near] = 1
    A = np.maximum(A, A.T)  # a pair is there once if either names the other
    Lap = np.diag(A.sum(1)) - A
    L = Z.T @ X @ np.linalg.inv(X.T @ X + n * mu * X.T @ Lap @ X + n * rho * np.eye(X.shape[1]))
    value = ((X @ L.T - Z) ** 2).sum() / n + mu * (L @ X.T @ Lap @ X @ L.T).trace() + rho * (L ** 2).sum()
    return L.T @ L, value, Zc


def metric_nearness(D):
    """min 1/2 sum over edges (X - D)^2 under every triangle inequality and X >= 0, by Dykstra's method."""
    n = len(D); X = D.copy()
    tri = [(i, j, k) for i in range(n) for j in range(i + 1, n) for k in range(n) if k not in (i, j)]
    z = np.zeros(len(tri)); zp = np.zeros((n, n))
    for sweep in range(200000):
        worst = 0.
        for t, (i, j, k) in enumerate(tri):
            d = X[i, k] + X[k, j] - X[i, j]
            c = min(d / 3, z[t])
            if c:
                for a, b, s in ((i, j, 1), (i, k, -1), (k, j, -1)):
                    X[a, b] += s * c; X[b, a] = X[a, b]
                z[t] -= c; worst = max(worst, abs(c))
        for i in range(n):
            for j in range(i + 1, n):
                c = min(X[i, j], zp[i, j])
                if c: X[i, j] -= c; X[j, i] = X[i, j]; zp[i, j] -= c; worst = max(worst, abs(c))
        if worst < 1e-13: break
    return X, sweep + 1


# ---- cases

def num(a, digits=12):
    if isinstance(a, (list, tuple)): return [num(v) for v in a]
    a = np.asarray(a)
    if a.dtype.kind in "iub": return a.tolist()
    return json.loads(json.dumps(a.tolist()), parse_float=lambda s: float(f"{float(s):.{digits}g}"))


def relative(a, b): return float(np.linalg.norm(np.asarray(a) - b) / max(1e-300, np.linalg.norm(b)))


def pairs_of(y, count, seed):
    r = np.random.RandomState(seed)
    def draw(same):
        out = set()
        while len(out) < count:
            a, b = r.randint(len(y), size=2)
            if a < b and (y[a] == y[b]) == same: out.add((int(a), int(b)))
        return sorted(out)
    return np.array(draw(True)), np.array(draw(False))


def main():
    out = {"about": __doc__.split("\n")[0], "howToCompare": __doc__[__doc__.index("`kind`"):].strip(),
           "made": f"metric-learn 0.7.0, scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy {scipy.__version__}",
           "datasets": {}, "cases": []}
    seed0 = 1000 if OTHER else 0
    checks = []

    def case(dataset, method, kind, tolerance, **more):
        out["cases"].append(dict(dataset=dataset, method=method, kind=kind, tolerance=tolerance,
                                 **{k: (num(v) if isinstance(v, np.ndarray) else v) for k, v in more.items()}))

    for name, (X, y) in datasets().items():
        tr, te = split(len(X)); Xt, yt = X[tr], y[tr]; D = X.shape[1]
        is_class = np.asarray(y).dtype.kind == "i"
        out["datasets"][name] = dict(x=num(X, 8), y=num(y), train=tr.tolist(), test=te.tolist())
        acc = lambda L: knn_correct(np.asarray(L), X, y, tr, te) if is_class else None
        if is_class:
            out["datasets"][name]["euclideanCorrect"] = acc(np.eye(D))
        fit = lambda e, *a: (lambda t: (e.fit(*a), round(time.time() - t, 4)))(time.time())
        print(name, X.shape, flush=True)

        # MLKR (also on the regression set)
        yf = yt.astype(float)
        for label, L0 in (("identity", np.eye(D)), ("half rank", np.eye(max(1, D // 2), D))):
            e, s = fit(ml.MLKR(init=L0, n_components=len(L0), max_iter=1000), Xt, yf)
            v0, g0 = mlkr(L0, Xt, yf); v1, g1 = mlkr(e.components_, Xt, yf)
            case(name, "mlkr", "local", 1e-9, slack=1e-3, parameters=dict(init=label, initL=num(L0), maxIterations=1000),
                 valueAtInit=v0, gradientAtInit=g0, libraryObjective=v1, gradientNormAtEnd=float(np.linalg.norm(g1)),
                 libraryL=e.components_, correct=acc(e.components_), librarySeconds=s, iterations=int(e.n_iter_))
        if not is_class: continue

        # Covariance
        e, s = fit(ml.Covariance(), Xt)
        M = np.linalg.inv(np.cov(Xt, rowvar=False))
        checks.append((name, "covariance", relative(e.get_mahalanobis_matrix(), M)))
        case(name, "covariance", "closed", 1e-9, M=M, correct=acc(root(M)), librarySeconds=s)

        # NCA
        for label, L0 in (("identity", np.eye(D)), ("half rank", np.eye(max(1, D // 2), D))):
            e, s = fit(ml.NCA(init=L0, n_components=len(L0), max_iter=100), Xt, yt)
            v0, g0 = nca(L0, Xt, yt); v1, g1 = nca(e.components_, Xt, yt)
            lib = ml.NCA(); lib.n_iter_ = 0; lib.verbose = False
            mask = yt[:, None] == yt[None]
            lv, lg = lib._loss_grad_lbfgs(L0.ravel(), Xt, mask, 1.)
            checks.append((name, "nca value, gradient", max(abs(lv - v0) / abs(v0), relative(np.reshape(lg, L0.shape), g0))))
            case(name, "nca", "local", 1e-9, slack=2e-2, parameters=dict(init=label, initL=num(L0), maxIterations=100),
                 valueAtInit=v0, gradientAtInit=g0, libraryObjective=v1, of=len(tr), gradientNormAtEnd=float(np.linalg.norm(g1)),
                 libraryL=e.components_, correct=acc(e.components_), librarySeconds=s, iterations=int(e.n_iter_))

        # LMNN
        k = 3
        # the library's choice where neighbours are equally far: another choice has another gradient
        chooser = ml.LMNN(n_neighbors=k); chooser.labels_ = np.arange(len(np.unique(yt)))
        T = chooser._select_targets(Xt, np.unique(yt, return_inverse=True)[1])
        e, s = fit(ml.LMNN(n_neighbors=k, init="identity", regularization=.5, learn_rate=1e-7, max_iter=1000), Xt, yt)
        v0, g0 = lmnn(np.eye(D), Xt, yt, T, .5); v1, g1 = lmnn(e.components_, Xt, yt, T, .5)
        lib = ml.LMNN(n_neighbors=k); lib.labels_ = np.arange(len(np.unique(yt)))
        lab = np.unique(yt, return_inverse=True)[1]
        T2 = lib._select_targets(Xt, lab)
        from metric_learn.lmnn import _sum_outer_products
        dfG = _sum_outer_products(Xt, T2.ravel(), np.repeat(np.arange(len(Xt)), k))
        lg, lv, _ = lib._loss_grad(Xt, np.eye(D), dfG, k, .5, T2, lab)
        checks.append((name, "lmnn value, gradient", max(abs(lv - v0) / abs(v0), relative(lg, g0))))
        # the best that L-BFGS on L reaches from the same start: the problem is convex in M
        f = lambda l: (lambda v, g: (v, g.ravel()))(*lmnn(l.reshape(D, D), Xt, yt, T, .5))
        o = so.minimize(f, np.eye(D).ravel(), jac=True, method="L-BFGS-B", options=dict(maxiter=400))
        case(name, "lmnn", "local", 1e-9, slack=0., parameters=dict(init="identity", neighbours=k, pullWeight=.5, learnRate=1e-7, maxIterations=1000, convergence=1e-3),
             targets=T, valueAtInit=v0, gradientAtInit=g0, libraryObjective=v1, reachable=float(o.fun), libraryM=e.get_mahalanobis_matrix(),
             correct=acc(e.components_), correctOfReachable=acc(o.x.reshape(D, D)), librarySeconds=s, iterations=int(e.n_iter_))

        # constraints: pairs
        pos, neg = pairs_of(yt, 60, seed0 + 1)
        V = np.vstack([Xt[pos[:, 0]] - Xt[pos[:, 1]], Xt[neg[:, 0]] - Xt[neg[:, 1]]])
        sign = np.r_[np.ones(len(pos)), -np.ones(len(neg))].astype(int)
        keep = np.abs(V).sum(1) > 0
        idx = np.vstack([pos, neg])[keep]; V, sign = V[keep], sign[keep]
        P, N = V[sign > 0], V[sign < 0]
        tup = Xt[idx]
        given = dict(positivePairs=num(idx[sign > 0]), negativePairs=num(idx[sign < 0]))

        # ITML
        d2 = (V ** 2).sum(1)
        points = np.unique(np.vstack(tup.transpose(1, 0, 2)), axis=0)
        quirk = np.percentile(pairwise_distances(points), (5, 95))
        e, s = fit(ml.ITML(prior="identity", gamma=1., max_iter=1000, tol=1e-3), tup, sign)
        checks.append((name, "itml default bounds", relative(e.bounds_, np.where(quirk == 0, 1e-9, quirk))))
        bounds = np.percentile(pdist2(points), (5, 95))  # of squared distances of distinct pairs: what the original means
        e2, s2 = fit(ml.ITML(prior="identity", gamma=1., max_iter=1000, tol=1e-3), tup, sign, bounds)
        Mstar, xi, residual = itml(V, sign, bounds)
        # the library's own loop run on to the same depth
        e3 = ml.ITML(prior="identity", gamma=1., max_iter=3000, tol=1e-12).fit(tup, sign, bounds.copy())
        checks.append((name, "itml library at 3000 sweeps vs optimum", relative(e3.get_mahalanobis_matrix(), Mstar)))
        case(name, "itml", "convex", 1e-6, parameters=dict(prior="identity", gamma=1, bounds=num(bounds)), **given, M=Mstar,
             objective=itml_objective(Mstar, xi, V, sign, bounds, 1.), residual=residual, libraryMAtDefaultTolerance=e2.get_mahalanobis_matrix(),
             libraryDistanceToOptimum=relative(e2.get_mahalanobis_matrix(), Mstar), correct=acc(root(Mstar)), librarySeconds=s2, iterations=int(e2.n_iter_))
        case(name, "itml library bounds", "convex", 1e-6, parameters=dict(prior="identity", gamma=1, bounds=num(e.bounds_), note="percentiles of UNSQUARED distances, zero diagonal included: the library's default"),
             M=itml(V, sign, e.bounds_)[0], libraryMAtDefaultTolerance=e.get_mahalanobis_matrix(), correct=acc(e.components_), librarySeconds=s, iterations=int(e.n_iter_))

        # SDML: the default balance fails, so one that keeps S positive definite
        fails = False
        try: ml.SDML(prior="identity").fit(tup, sign)
        except Exception: fails = True
        balance = 0.5 / (np.linalg.eigvalsh(-(V.T * sign) @ V).max() + 1e-9)  # S >= 0.5 I
        e, s = fit(ml.SDML(prior="identity", balance_param=balance, sparsity_param=.01), tup, sign)
        M = e.get_mahalanobis_matrix(); S = np.eye(D) + balance * (V.T * sign) @ V
        from sklearn.covariance import graphical_lasso
        Mt = graphical_lasso(S, alpha=.01, tol=1e-10, enet_tol=1e-12, max_iter=10000)[1]
        R = S - np.linalg.inv(Mt)
        kkt = max(np.abs(R + .01 * np.sign(Mt))[(Mt != 0) & ~np.eye(D, dtype=bool)].max(initial=0), np.abs(np.diag(R)).max(), (np.abs(R)[Mt == 0] - .01).max(initial=0))
        checks.append((name, "sdml kkt", kkt))
        case(name, "sdml", "convex", 1e-5, parameters=dict(prior="identity", balance=balance, sparsity=.01), **given, S=S, M=Mt,
             objective=sdml_value(Mt, S, .01), kkt=float(kkt), zeros=int((Mt == 0).sum()), libraryDistanceToOptimum=relative(M, Mt),
             defaultBalanceFailsInLibrary=fails, correct=acc(root(Mt)), librarySeconds=s)

        # MMC, full and diagonal
        e, s = fit(ml.MMC(init="identity", max_iter=100, tol=1e-3), tup, sign)
        M = e.get_mahalanobis_matrix(); sp, obj = mmc_values(M, P, N)
        t = np.einsum("ij,ij->", P, P) / 100
        Mo, best = mmc_optimum(P, N, D)
        case(name, "mmc", "convex", 1e-3, parameters=dict(init="identity", budget=t), M=Mo * t, objective=best + .5 * np.log(t),
             libraryObjective=obj, libraryBudgetUsed=sp / t, libraryM=M, **given, correct=acc(root(Mo)), libraryCorrect=acc(e.components_),
             librarySeconds=s, iterations=int(e.n_iter_))
        e, s = fit(ml.MMC(init="identity", diagonal=True, diagonal_c=1., max_iter=100, tol=1e-3), tup, sign)
        w = np.diag(e.get_mahalanobis_matrix())
        # the library's search along a line goes by s.w + c log, its direction by s - c (log)': see section 33
        h = 1e-6; w0 = np.ones(D); obj = lambda w: e._D_objective(tup[sign < 0], w)
        slope_of_objective = np.array([(obj(w0 + h * u) - obj(w0 - h * u)) / (2 * h) for u in np.eye(D)])
        checks.append((name, "mmc diagonal: d(+log) equals the term that the library subtracts", relative(slope_of_objective, e._D_constraint(tup[sign < 0], w0)[1])))
        sq = (P ** 2).sum(0); N2 = N ** 2
        fd = lambda w: (sq @ w - np.log(np.sqrt(np.maximum(N2 @ w, 0) + 1e-6).sum()), sq - (N2 / np.sqrt(N2 @ w + 1e-6)[:, None]).sum(0) * .5 / np.sqrt(N2 @ w + 1e-6).sum())
        o = so.minimize(fd, np.ones(D) / sq, jac=True, method="L-BFGS-B", bounds=[(0, None)] * D, options=dict(maxiter=20000, ftol=1e-16, gtol=1e-12))
        case(name, "mmc diagonal", "convex", 1e-3, parameters=dict(init="identity", c=1), weights=o.x, objective=float(o.fun), libraryWeights=w,
             libraryObjective=float(fd(w)[0]), correct=acc(np.diag(np.sqrt(o.x))), librarySeconds=s)

        # LSML
        r = np.random.RandomState(seed0 + 2)
        q = np.hstack([idx[sign > 0][r.randint((sign > 0).sum(), size=80)], idx[sign < 0][r.randint((sign < 0).sum(), size=80)]])
        A, B = Xt[q[:, 0]] - Xt[q[:, 1]], Xt[q[:, 2]] - Xt[q[:, 3]]
        w = np.full(80, 1 / 80)
        e, s = fit(ml.LSML(prior="identity", tol=1e-3, max_iter=1000), Xt[q])
        M = e.get_mahalanobis_matrix(); M0i = np.eye(D)
        Mo, best, G = lsml_optimum(A, B, w, M0i, D)
        lib = ml.LSML(); lib.w_ = w
        checks.append((name, "lsml value", abs(lib._total_loss(M, A, B, M0i) - lsml(M, A, B, w, M0i)[0])))
        g1 = lib._gradient(np.eye(D) * 1., A, B, M0i); g2 = lsml(np.eye(D), A, B, np.ones(80), M0i)[1]
        checks.append((name, "lsml library gradient = ours with w = 1", relative(g1, g2)))
        case(name, "lsml", "convex", 1e-5, parameters=dict(prior="identity", weights="equal, normalised to sum 1"), quadruplets=num(q), M=Mo, objective=float(best),
             gradientNormAtOptimum=float(np.linalg.norm(G)), libraryM=M, libraryObjective=float(lsml(M, A, B, w, M0i)[0]),
             valueAtPrior=float(lsml(np.eye(D), A, B, w, M0i)[0]), gradientAtPrior=lsml(np.eye(D), A, B, w, M0i)[1],
             correct=acc(root(Mo)), libraryCorrect=acc(e.components_), librarySeconds=s, iterations=int(e.n_iter_))

        # LFDA: ours is right, the library's is not
        for dim in (2, D):
            val, vec, Sw, Sb = lfda(Xt, yt, min(7, D - 1), dim)
            e, s = fit(ml.LFDA(n_components=dim, k=None, embedding_type="weighted"), Xt, yt)
            case(name, "lfda", "closed", 1e-6, parameters=dict(components=dim, neighbours=min(7, D - 1)), eigenvalues=val,
                 M=(vec * val) @ vec.T, MPlain=vec @ vec.T, libraryM=e.get_mahalanobis_matrix(), correct=acc((vec * np.sqrt(np.maximum(val, 0))).T),
                 libraryCorrect=acc(e.components_), librarySeconds=s)

        # RCA
        chunks = np.full(len(yt), -1); c = 0
        r = np.random.RandomState(seed0 + 3)
        for label in np.unique(yt):
            members = r.permutation(np.flatnonzero(yt == label))
            for a in range(0, len(members) - 2, 3): chunks[members[a:a + 3]] = c; c += 1
        for dim in (None, 2):
            e, s = fit(ml.RCA(n_components=dim), Xt, chunks)
            M = rca(Xt, chunks, dim)
            checks.append((name, f"rca {dim}", relative(e.get_mahalanobis_matrix(), M)))
            case(name, "rca", "closed", 1e-8, parameters=dict(components=dim or D), chunks=chunks, M=M, correct=acc(root(M)), librarySeconds=s)
        chosen = Constraints(yt).chunks(n_chunks=20, chunk_size=2, random_state=0)
        checks.append((name, "rca supervised: share of chunks in the last class (should be about 1/classes)",
                       float((yt[chosen >= 0] == yt.max()).mean())))

        # SCML
        triplets = Constraints(yt).generate_knntriplets(Xt, 2, 3)
        basis_seed = np.random.RandomState(seed0 + 4)
        B = []
        for _ in range(8):  # orthonormal bases of scatter differences of a few triplets each
            some = triplets[basis_seed.choice(len(triplets), 4 * D)]
            a, b, cc = Xt[some[:, 0]], Xt[some[:, 1]], Xt[some[:, 2]]
            _, vec = np.linalg.eigh((a - b).T @ (a - b) - (a - cc).T @ (a - cc))
            B += list(vec.T)
        B = np.array(B)[: min(len(B), 64)]
        XB = Xt @ B.T
        Z = (XB[triplets[:, 0]] - XB[triplets[:, 1]]) ** 2 - (XB[triplets[:, 0]] - XB[triplets[:, 2]]) ** 2
        # fit() fails on a basis given as an array with numpy >= 1.25 (it compares the array with a text)
        e = ml.SCML(random_state=0, max_iter=20000, output_iter=500)
        e, s = fit(type("f", (), dict(fit=lambda _, *a: e._fit(*a)))(), Xt[triplets], B, len(B))
        best, w = scml_optimum(Z, 1e-5)
        # the library's weights, from its metric: M = B^T diag(w) B, not unique, so its objective by the hinge alone
        M = e.get_mahalanobis_matrix()
        da = np.einsum("ij,jk,ik->i", Xt[triplets[:, 0]] - Xt[triplets[:, 1]], M, Xt[triplets[:, 0]] - Xt[triplets[:, 1]])
        db = np.einsum("ij,jk,ik->i", Xt[triplets[:, 0]] - Xt[triplets[:, 2]], M, Xt[triplets[:, 0]] - Xt[triplets[:, 2]])
        hinge = float(np.maximum(0, 1 + da - db).mean())
        Mo = (B.T * w) @ B
        case(name, "scml", "random", 1e-6, parameters=dict(beta=1e-5, gamma=5e-3, steps=20000, batch=10), basis=num(B, 9), triplets=num(triplets),
             optimum=float(best), M=Mo, libraryHinge=hinge, optimumHinge=float(np.maximum(0, 1 + Z @ w).mean()), libraryM=M,
             correct=acc(root(Mo)), libraryCorrect=acc(e.components_), librarySeconds=s)

        # the supervised forms of the library, for their accuracy and time alone
        for cls, kw in (("ITML_Supervised", {}), ("LSML_Supervised", {}), ("MMC_Supervised", {}), ("RCA_Supervised", dict(n_chunks=20)),
                        ("SCML_Supervised", {}), ("SDML_Supervised", dict(balance_param=1e-3))):
            counts, secs = [], []
            for seed in range(2):
                try:
                    e, s = fit(getattr(ml, cls)(random_state=seed, **kw), Xt, yt); counts.append(acc(e.components_)); secs.append(s)
                except Exception as ex: counts.append(None); secs.append(None)
            case(name, cls, "random", None, parameters=kw, correct=counts, librarySeconds=secs)

    # 34 MALTS
    u = lcg(seed0 + 21)
    n = 80
    X = np.array([[2 * next(u) - 1 for _ in range(3)] for _ in range(n)])
    Xd = np.array([[int(next(u) * 3)] for _ in range(n)])
    T = np.array([int(next(u) < .5) for _ in range(n)])
    Y = 2 * X[:, 0] + .5 * (Xd[:, 0] == 1) + T * (1 + X[:, 1]) + .1 * np.array([next(u) - .5 for _ in range(n)])
    X, Y = np.round(X, 6), np.round(Y, 6)
    points = [np.ones(4), np.array([2., .1, .1, .5]), np.array([.5, 1.5, 0., 1.])]
    o = so.minimize(malts_objective, np.ones(4), args=(X, Xd, T, Y, 5, 1.), method="COBYLA", options=dict(maxiter=5000, rhobeg=.5, tol=1e-6))
    case("malts", "malts", "local", 1e-10, slack=5e-2, x=X, discrete=Xd, treated=T, outcome=Y, parameters=dict(neighbours=5, penalty=1),
         values=[dict(stretch=num(p), objective=malts_objective(p, X, Xd, T, Y, 5, 1.)) for p in points],
         found=o.x, foundObjective=float(o.fun))

    # 35 ordinal MDS
    for name in ("iris", "blobs") if not OTHER else ("blobs5", "digits16b"):
        X, y = datasets()[name]; r = y - y.min() + 1
        for s in (1, 2):
            M, value, Z = ordinal_mds(X, r, s, 5, .1, 1e-3)
            case(name, "ordinal mds", "closed", 1e-8, parameters=dict(dimensions=s, neighbours=5, locality=.1, ridge=1e-3, rows="all", graph="a pair once if either names the other"),
                 targets=Z * np.sign(Z[-1] + 1e-30), M=M, objective=value)

    # 36 metric nearness
    for n, seed in ((3, None), (5, 31), (8, 77)):
        if seed is None: D = np.array([[0, 1, 4], [1, 0, 1], [4, 1, 0.]])
        else:
            u = lcg(seed + seed0); D = np.zeros((n, n))
            for i in range(n):
                for j in range(i + 1, n): D[i, j] = D[j, i] = round(5 * next(u) ** 2, 6)
        Xs, sweeps = metric_nearness(D)
        low = min(Xs[i, k] + Xs[k, j] - Xs[i, j] for i in range(n) for j in range(n) for k in range(n) if len({i, j, k}) == 3)
        case("nearness", "project and forget", "convex", 1e-8, given=D, nearest=Xs, objective=float(((Xs - D) ** 2).sum() / 4), smallestSlack=float(low), sweeps=sweeps)

    out["checks"] = [dict(dataset=a, what=b, difference=float(f"{c:.3g}")) for a, b, c in checks]
    path = [a for a in sys.argv[1:] if not a.startswith("--")][0]
    text = json.dumps(out, separators=(",", ":"), default=lambda v: num(v))
    open(path, "w").write(text)
    print(len(text), "bytes,", len(out["cases"]), "cases")
    for c in checks: print("%-10s %-75s %.2e" % c)


def pdist2(points):
    d = pairwise_distances(points, metric="sqeuclidean")
    return d[np.triu_indices(len(points), 1)]


main()
