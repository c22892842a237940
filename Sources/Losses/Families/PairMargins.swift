import Geometry
import Settings

/// A loss with a margin within which positive pairs may be, and one beyond which negatives should be.
public protocol PairMargins: Loss, Measuring {
  var positiveMargin: Double { get set }
  var negativeMargin: Double { get set }
}

extension PairMargins {
  public init(positiveMargin: Double, negativeMargin: Double, distance: Distance = .euclidean) {
    self.init()
    (self.positiveMargin, self.negativeMargin) = (positiveMargin, negativeMargin)
    self.distance = distance
  }

  public static var settings: [Setting<Self>] {
    [
      Setting("positiveMargin", \Self.positiveMargin, "how far apart positives may be"),
      Setting("negativeMargin", \Self.negativeMargin, "how far apart negatives should be"),
    ] + distanceSettings
  }
}
