/// Every kernel once more in plain Swift: what the fast ones are tested against.
public enum Reference {
  /// c[m, n] = op(a) op(b) (+ c if `adding`); see ``Scalar/product``.
  public static func product<S: Scalar>(
    _ c: UnsafeMutablePointer<S>, _ a: UnsafePointer<S>, _ b: UnsafePointer<S>,
    m: Int, n: Int, k: Int, transposingA: Bool, transposingB: Bool, adding: Bool
  ) {
    for i in 0..<m {
      for j in 0..<n {
        var sum: S = adding ? c[i * n + j] : 0
        for p in 0..<k {
          sum +=
            (transposingA ? a[p * m + i] : a[i * k + p])
            * (transposingB ? b[j * k + p] : b[p * n + j])
        }
        c[i * n + j] = sum
      }
    }
  }

  /// a b, without history.
  public static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(
      a.shape.count == 2 && b.shape.count == 2 && a.shape[1] == b.shape[0] && a.dtype == b.dtype,
      "Reference.product: shapes \(a.shape) and \(b.shape) of \(a.dtype) and \(b.dtype)")
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: [a.shape[0], b.shape[1]], of: S.self) { c in
        guard let c = c.baseAddress else { return }
        product(
          c, a.base(of: S.self), b.base(of: S.self), m: a.shape[0], n: b.shape[1], k: a.shape[1],
          transposingA: false, transposingB: false, adding: false)
        withExtendedLifetime((a, b)) {}
      }
    }
    return a.dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
