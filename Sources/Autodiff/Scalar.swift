import Foundation

/// A floating-point type that has a full set of kernels: `Float` and `Double`.
///
/// The two conformances are the only place where Swift meets C.
public protocol Scalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  static var dtype: DType { get }
  static func exp(_ x: Self) -> Self
  static func log(_ x: Self) -> Self
  /// log(1 + x), exact near 0.
  static func logOnePlus(_ x: Self) -> Self
  static func tanh(_ x: Self) -> Self

  /// c[m, n] = op(a) op(b) (+ c if `adding`), where op transposes when asked: a is [m, k], or
  /// [k, m] if transposed; b is [k, n], or [n, k] if transposed.
  static func product(
    _ c: UnsafeMutablePointer<Self>, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>,
    m: Int, n: Int, k: Int, transposingA: Bool, transposingB: Bool, adding: Bool)
}

extension Float: Scalar {
  public static var dtype: DType { .float32 }
  public static func exp(_ x: Float) -> Float { Foundation.exp(x) }
  public static func log(_ x: Float) -> Float { Foundation.log(x) }
  public static func logOnePlus(_ x: Float) -> Float { Foundation.log1p(x) }
  public static func tanh(_ x: Float) -> Float { Foundation.tanh(x) }
}

extension Double: Scalar {
  public static var dtype: DType { .float64 }
  public static func exp(_ x: Double) -> Double { Foundation.exp(x) }
  public static func log(_ x: Double) -> Double { Foundation.log(x) }
  public static func logOnePlus(_ x: Double) -> Double { Foundation.log1p(x) }
  public static func tanh(_ x: Double) -> Double { Foundation.tanh(x) }
}
