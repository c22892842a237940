import Autodiff
import Geometry
import Settings

/// Softmax classification by cosines to proxies, the own class's made smaller by a margin.
public protocol MarginSoftmaxLoss: ClassifierLoss {
  var margin: Double { get set }
  /// The sharpness of the softmax.
  var scale: Double { get set }
  static var marginSetting: Setting<Self> { get }
}

extension MarginSoftmaxLoss {
  public init(margin: Double, scale: Double) {
    self.init()
    (self.margin, self.scale) = (margin, scale)
  }

  public var distance: Distance { .cosine }
  public static var settings: [Setting<Self>] {
    [
      marginSetting,
      Setting("scale", \Self.scale, "the sharpness s of the softmax", in: 1e-4...1e4),
    ]
  }
}

extension LossRow {
  /// The cross-entropy of the softmax of scale × value, with another value for the target.
  ///
  /// - Parameter target: the value, and its derivative in the row's own value.
  @inline(__always)
  func classify(_ target: Int, as own: (value: S, slope: S), scale: S) -> S {
    scaleValues(by: scale)
    derivatives[target] = own.value * scale
    let cost = crossEntropy(target: target, timesSlope: scale)
    derivatives[target] *= own.slope
    return cost
  }
}
