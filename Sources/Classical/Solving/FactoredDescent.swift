import Foundation

/// A convex function of a positive definite matrix M at a point.
struct MatrixFunction {
  var value: Double
  /// The symmetric gradient G.
  var gradient: Matrix
  /// What its second derivative makes of a symmetric matrix, without that of -log det M.
  var curvature: (Matrix) -> Matrix
}

/// Minimises tr(M A) - log det M + f(M), f convex, by Newton's steps on factors, M = C Cᵀ.
///
/// In units of M itself, M' = C (1 + Y) Cᵀ, the second derivative of -log det is the identity, so that
/// columns of any scale do not matter and conjugate gradients find the step in few rounds.
struct FactoredDescent {
  var maxIterations = 1000
  /// Ends when |Cᵀ G C|, the gradient in units of M, is no more than this.
  var tolerance = 1e-9

  struct Result {
    var metric: Matrix
    var value: Double
    /// |Cᵀ G C|.
    var residual: Double
    var iterations: Int
  }

  /// - Parameters:
  ///   - start: a factor of the first M.
  ///   - function: the whole function; nil unless M is positive definite.
  func minimize(from start: Matrix, _ function: (Matrix) -> MatrixFunction?) -> Result {
    var factor = start
    var metric = factor.times(factor, transposingOther: true).symmetrized()
    guard var state = function(metric) else {
      return Result(metric: metric, value: .infinity, residual: .infinity, iterations: 0)
    }
    var slope = inUnits(state.gradient, factor)
    var best = Result(metric: metric, value: state.value, residual: slope.norm, iterations: 0)
    var iterations = 0
    var idle = 0
    while iterations < maxIterations, best.residual > tolerance, idle < 5 {
      iterations += 1
      let step = newtonStep(slope, factor, state.curvature)
      let descent = slope.inner(step)
      guard descent < 0 else { break }
      // M may lose all but a twentieth of itself along a direction, not more, so that columns whose
      // squares come to 1e24 are reached in a score of steps.
      let lowest = step.norm > 0.95 ? Spectrum(step).values.last ?? 0 : 0
      var length = min(1, 0.95 / max(0.95, -lowest))
      let shortest = 1e-12 * length
      var next: (factor: Matrix, metric: Matrix, state: MatrixFunction)?
      while next == nil, length > shortest {
        defer { length /= 2 }
        guard let inner = Cholesky(Matrix(identity: factor.rows) + step * length) else { continue }
        let trial = factor.times(inner.lower)
        let product = trial.times(trial, transposingOther: true).symmetrized()
        guard let found = function(product), found.value.isFinite else { continue }
        // At the limit of its digits a value cannot tell; the slope is looked at below.
        let limit = state.value + 1e-4 * length * descent + 1e-14 * abs(state.value)
        if found.value <= limit { next = (trial, product, found) }
      }
      guard let next else { break }
      (factor, metric, state) = (next.factor, next.metric, next.state)
      slope = inUnits(state.gradient, factor)
      let residual = slope.norm
      idle =
        residual < 0.9 * best.residual || state.value < best.value - 1e-13 * abs(best.value)
        ? 0 : idle + 1
      if residual < best.residual || state.value < best.value - 1e-12 * abs(best.value) {
        best = Result(
          metric: metric, value: state.value, residual: residual, iterations: iterations)
      }
    }
    best.iterations = iterations
    return best
  }

  private func inUnits(_ matrix: Matrix, _ factor: Matrix) -> Matrix {
    factor.times(matrix.times(factor), transposingSelf: true).symmetrized()
  }

  /// Y with Y + Cᵀ f''[C Y Cᵀ] C = -slope, as far as the slope is worth it.
  private func newtonStep(
    _ slope: Matrix, _ factor: Matrix, _ curvature: (Matrix) -> Matrix
  ) -> Matrix {
    var step = Matrix(zeros: slope.rows, slope.columns)
    var residual = slope * -1
    var direction = residual
    var square = residual.inner(residual)
    let goal = square * pow(min(0.1, slope.norm.squareRoot()), 2)
    for _ in 0..<max(50, 2 * slope.rows * slope.rows) {
      guard square > goal, square > 1e-300 else { break }
      let inner = factor.times(direction.times(factor, transposingOther: true)).symmetrized()
      let image = direction + inUnits(curvature(inner), factor)
      let share = square / direction.inner(image)
      guard share.isFinite, share > 0 else { break }
      step = step + direction * share
      residual = residual - image * share
      let next = residual.inner(residual)
      direction = residual + direction * (next / square)
      square = next
    }
    return step.symmetrized()
  }
}
