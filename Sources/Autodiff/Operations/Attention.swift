/// What is added to attention scores by how far a key lies from its query.
public struct RelativeBias: Sendable {
  /// [buckets, heads].
  public let table: Tensor
  /// The bucket of a distance: key position − query position.
  public let bucket: @Sendable (Int) -> Int

  public init(table: Tensor, bucket: @escaping @Sendable (Int) -> Int) {
    (self.table, self.bucket) = (table, bucket)
  }
}

/// softmax(q kᵀ / √d + bias) v within each sequence and head, as one operation.
///
/// Sequences lie one after another without padding. No more of the scores is in memory than a block
/// of 64 queries of one head; the gradient makes them again.
/// - Parameters:
///   - query: [tokens, heads × d], likewise `key` and `value`; heads are slices of the width.
///   - lengths: how many tokens each sequence has, their sum being `tokens`.
///   - window: how far a key may lie from its query; nil for any distance.
/// - Returns: [tokens, heads × d].
/// - Complexity: O(Σ length² · width).
/// - Reference: Vaswani et al., *Attention Is All You Need* (2017); Dao et al., *FlashAttention*
///   (2022) for making the scores again.
public func attention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, lengths: [Int], heads: Int,
  bias: RelativeBias? = nil, window: Int? = nil
) -> Tensor {
  precondition(
    query.shape.count == 2 && key.shape == query.shape && value.shape == query.shape
      && heads > 0 && query.shape[1] % heads == 0 && lengths.reduce(0, +) == query.shape[0]
      && key.dtype == query.dtype && value.dtype == query.dtype,
    "attention: \(query.shape), \(key.shape) and \(value.shape) do not fit \(heads) heads")
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let work = AttentionWork(
      of: S.self, query: query.detached, key: key.detached, value: value.detached,
      lengths: lengths, heads: heads, bias: bias, window: window)
    let pullback = SharedPullback { work.backward($0) }
    return work.forward().recorded(
      "attention", query.edge { pullback($0).query }, key.edge { pullback($0).key },
      value.edge { pullback($0).value }, bias?.table.edge { pullback($0).bias })
  }
  return query.dtype == .float32 ? run(Float.self) : run(Double.self)
}

private struct AttentionWork<S: Scalar>: Sendable {
  let query, key, value: Tensor
  let lengths, starts: [Int]
  let heads, width, size: Int
  let window: Int?
  /// The bias by head and by distance + longest − 1; empty for none.
  let biases: [S]
  let buckets: [Int]
  let bucketCount, longest: Int
  let scale: S

  struct Derivatives: Sendable {
    let query, key, value, bias: Tensor
  }

  init(
    of _: S.Type, query: Tensor, key: Tensor, value: Tensor, lengths: [Int], heads: Int,
    bias: RelativeBias?, window: Int?
  ) {
    (self.query, self.key, self.value, self.lengths) = (query, key, value, lengths)
    (self.heads, self.window, width) = (heads, window, query.shape[1])
    starts = Autodiff.starts(of: lengths)
    size = width / heads
    scale = 1 / S(size).squareRoot()
    longest = lengths.max() ?? 0
    bucketCount = bias?.table.shape[0] ?? 0
    guard let bias, longest > 0 else {
      (biases, buckets) = ([], [])
      return
    }
    precondition(
      bias.table.shape.count == 2 && bias.table.shape[1] == heads
        && bias.table.dtype == query.dtype,
      "attention: a bias of shape \(bias.table.shape) does not fit \(heads) heads")
    let found = (1 - longest...longest - 1).map { bias.bucket($0) }
    let table = bias.table.elements(as: S.self)
    buckets = found
    biases = (0..<heads).flatMap { head in found.map { table[$0 * heads + head] } }
  }

  /// Queries whose scores are in memory at once.
  private static var block: Int { 64 }

  /// Calls `body` for each sequence and head, from several threads, the longest work not last.
  private func forEachHead(_ body: (_ sequence: Int, _ head: Int) -> Void) {
    Parallel.forEach(lengths.count * heads) { body($0 / heads, $0 % heads) }
  }

  /// Copies a head's part of a matrix into rows of its own.
  private func gather(
    _ to: UnsafeMutablePointer<S>, _ from: UnsafePointer<S>, _ rows: Range<Int>, _ head: Int
  ) {
    for (k, i) in rows.enumerated() {
      (to + k * size).update(from: from + i * width + head * size, count: size)
    }
  }

  private func scatter(
    _ from: UnsafePointer<S>, _ to: UnsafeMutablePointer<S>, _ rows: Range<Int>, _ head: Int
  ) {
    for (k, i) in rows.enumerated() {
      (to + i * width + head * size).update(from: from + k * size, count: size)
    }
  }

  /// Makes the probabilities of a block of queries out of their products with all keys.
  ///
  /// - Parameters:
  ///   - first: the position of the first query.
  private func softmax(
    _ scores: UnsafeMutablePointer<S>, _ rows: Int, _ keys: Int, first: Int, head: Int
  ) {
    for r in 0..<rows {
      let row = scores + r * keys
      let position = first + r
      let allowed =
        window.map { max(0, position - $0)..<min(keys, position + $0 + 1) } ?? 0..<keys
      for j in 0..<keys where !allowed.contains(j) { row[j] = 0 }
      var top = -S.infinity
      if biases.isEmpty {
        for j in allowed {
          row[j] *= scale
          top = max(top, row[j])
        }
      } else {
        let base = head * (2 * longest - 1) + longest - 1 - position
        for j in allowed {
          row[j] = row[j] * scale + biases[base + j]
          top = max(top, row[j])
        }
      }
      for j in allowed { row[j] -= top }
      S.exp(row + allowed.lowerBound, row + allowed.lowerBound, allowed.count)
      var sum = S.zero
      for j in allowed { sum += row[j] }
      let rate = 1 / sum
      for j in allowed { row[j] *= rate }
    }
  }

  func forward() -> Tensor {
    query.withElements(of: S.self) { query in
      key.withElements(of: S.self) { key in
        value.withElements(of: S.self) { value in
          Tensor(shape: [query.count / width, width], of: S.self) { result in
            guard let q = query.baseAddress, let k = key.baseAddress, let v = value.baseAddress,
              let y = result.baseAddress
            else { return }
            forEachHead { sequence, head in
              let (start, n) = (starts[sequence], lengths[sequence])
              guard n > 0 else { return }
              let rows = min(n, Self.block)
              Scratch<S>(count: 3 * n * size + rows * n + rows * size).withBase { memory in
                let (qs, ks, vs) = (memory, memory + n * size, memory + 2 * n * size)
                let scores = memory + 3 * n * size
                let out = scores + rows * n
                gather(qs, q, start..<start + n, head)
                gather(ks, k, start..<start + n, head)
                gather(vs, v, start..<start + n, head)
                for first in stride(from: 0, to: n, by: Self.block) {
                  let m = min(Self.block, n - first)
                  S.product(
                    scores, qs + first * size, ks, m: m, n: n, k: size, transposingA: false,
                    transposingB: true, adding: false)
                  softmax(scores, m, n, first: first, head: head)
                  S.product(
                    out, scores, vs, m: m, n: size, k: n, transposingA: false,
                    transposingB: false, adding: false)
                  scatter(out, y, start + first..<start + first + m, head)
                }
              }
            }
          }
        }
      }
    }
  }

  /// With P the probabilities: dv = Pᵀ g, ds = P ∘ (g vᵀ − rowsums), dq = ds k / √d,
  /// dk = dsᵀ q / √d; and ds sums up to the bias.
  func backward(_ cotangent: Tensor) -> Derivatives {
    var (dk, dv) = (
      Tensor(zeros: key.shape, dtype: S.dtype), Tensor(zeros: key.shape, dtype: S.dtype)
    )
    var partial = Tensor(
      zeros: [max(1, lengths.count * heads), max(1, bucketCount)], dtype: S.dtype)
    let dq = partial.updateElements(of: S.self) { partial in
      dk.updateElements(of: S.self) { dk in
        dv.updateElements(of: S.self) { dv in
          backward(cotangent, dk, dv, partial)
        }
      }
    }
    // [sequences × heads, buckets] → [buckets, heads], summed over the sequences in order.
    var bias = [S](repeating: 0, count: max(1, bucketCount) * heads)
    partial.withElements(of: S.self) { partial in
      for piece in 0..<lengths.count * heads {
        for b in 0..<bucketCount {
          bias[b * heads + piece % heads] += partial[piece * bucketCount + b]
        }
      }
    }
    return Derivatives(
      query: dq, key: dk, value: dv, bias: Tensor(bias, shape: [max(1, bucketCount), heads]))
  }

  private func backward(
    _ cotangent: Tensor, _ dk: UnsafeMutableBufferPointer<S>,
    _ dv: UnsafeMutableBufferPointer<S>, _ partial: UnsafeMutableBufferPointer<S>
  ) -> Tensor {
    query.withElements(of: S.self) { query in
      key.withElements(of: S.self) { key in
        value.withElements(of: S.self) { value in
          cotangent.withElements(of: S.self) { cotangent in
            Tensor(shape: [query.count / width, width], of: S.self) { dq in
              guard let q = query.baseAddress, let k = key.baseAddress,
                let v = value.baseAddress, let g = cotangent.baseAddress,
                let dq = dq.baseAddress, let dk = dk.baseAddress, let dv = dv.baseAddress
              else { return }
              forEachHead { sequence, head in
                backward(
                  sequence, head, q, k, v, g, dq, dk, dv,
                  partial.baseAddress.map { $0 + (sequence * heads + head) * bucketCount })
              }
            }
          }
        }
      }
    }
  }

  private func backward(
    _ sequence: Int, _ head: Int, _ q: UnsafePointer<S>, _ k: UnsafePointer<S>,
    _ v: UnsafePointer<S>, _ g: UnsafePointer<S>, _ dq: UnsafeMutablePointer<S>,
    _ dk: UnsafeMutablePointer<S>, _ dv: UnsafeMutablePointer<S>,
    _ partial: UnsafeMutablePointer<S>?
  ) {
    let (start, n) = (starts[sequence], lengths[sequence])
    guard n > 0 else { return }
    let (rows, part) = (min(n, Self.block), n * size)
    Scratch<S>(count: 6 * part + 2 * rows * n + rows * size).withBase { memory in
      let (qs, ks, vs, gs) = (memory, memory + part, memory + 2 * part, memory + 3 * part)
      let (dks, dvs, p) = (memory + 4 * part, memory + 5 * part, memory + 6 * part)
      let ds = p + rows * n
      let out = ds + rows * n
      let all = start..<start + n
      gather(qs, q, all, head)
      gather(ks, k, all, head)
      gather(vs, v, all, head)
      gather(gs, g, all, head)
      for first in stride(from: 0, to: n, by: Self.block) {
        let m = min(Self.block, n - first)
        S.product(
          p, qs + first * size, ks, m: m, n: n, k: size, transposingA: false,
          transposingB: true, adding: false)
        softmax(p, m, n, first: first, head: head)
        S.product(
          dvs, p, gs + first * size, m: n, n: size, k: m, transposingA: true,
          transposingB: false, adding: first > 0)
        S.product(
          ds, gs + first * size, vs, m: m, n: n, k: size, transposingA: false,
          transposingB: true, adding: false)
        for r in 0..<m {
          var sum = S.zero
          for j in r * n..<(r + 1) * n { sum += ds[j] * p[j] }
          for j in r * n..<(r + 1) * n { ds[j] = p[j] * (ds[j] - sum) }
          if let partial, !buckets.isEmpty {
            let base = longest - 1 - (first + r)
            for j in 0..<n { partial[buckets[base + j]] += ds[r * n + j] }
          }
          for j in r * n..<(r + 1) * n { ds[j] *= scale }
        }
        S.product(
          out, ds, ks, m: m, n: size, k: n, transposingA: false, transposingB: false,
          adding: false)
        scatter(out, dq, start + first..<start + first + m, head)
        S.product(
          dks, ds, qs + first * size, m: n, n: size, k: m, transposingA: true,
          transposingB: false, adding: first > 0)
      }
      scatter(dks, dk, all, head)
      scatter(dvs, dv, all, head)
    }
  }
}
