extension Reference {
  /// y[c] = Σ x[i, c].
  public static func sumOverRows<S: Scalar>(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, rows: Int, columns: Int
  ) {
    y.update(repeating: 0, count: columns)
    for i in 0..<rows { for c in 0..<columns { y[c] += x[i * columns + c] } }
  }

  /// y = x / max(‖x‖, 1e-12) for each row, and ‖x‖.
  public static func normalizeRows<S: Scalar>(
    _ y: UnsafeMutablePointer<S>, _ length: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    rows: Int, columns: Int
  ) {
    for i in 0..<rows {
      var sum: S = 0
      for c in i * columns..<(i + 1) * columns { sum += x[c] * x[c] }
      length[i] = sum.squareRoot()
      let factor = 1 / max(length[i], shortest())
      for c in i * columns..<(i + 1) * columns { y[c] = x[c] * factor }
    }
  }

  /// (g - y ⟨y, g⟩) / ‖x‖ for each row; 0 where ‖x‖ < 1e-12.
  public static func normalizeRowsGradient<S: Scalar>(
    _ result: UnsafeMutablePointer<S>, _ g: UnsafePointer<S>, _ y: UnsafePointer<S>,
    _ length: UnsafePointer<S>, rows: Int, columns: Int
  ) {
    for i in 0..<rows {
      let factor = length[i] < shortest() ? 0 : 1 / length[i]
      var inner: S = 0
      for c in i * columns..<(i + 1) * columns { inner += y[c] * g[c] }
      for c in i * columns..<(i + 1) * columns { result[c] = (g[c] - y[c] * inner) * factor }
    }
  }

  /// A row shorter than this has no direction.
  static func shortest<S: Scalar>() -> S { 1e-12 }
}
