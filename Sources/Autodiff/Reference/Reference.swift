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
}
