import Autodiff
import Settings

/// How far apart, or how similar, two embeddings are.
///
/// With x and y the rows compared, scaled to length 1 first if ``normalizes`` is set:
///
///     euclidean          ‖x - y‖ₚ to ``power``; p = 2 unless ``p`` says otherwise
///     squared-euclidean  ‖x - y‖ₚ to 2 × ``power``
///     cosine             x · y / (‖x‖ ‖y‖)            a similarity; always normalised
///     dot                x · y                        a similarity
///     snr                var(x - y) / var(x)          x is the anchor; not symmetric
///
/// Every matrix is finite: a row of length 0 stays 0 and takes no gradient, equal rows are exactly
/// 0 apart and send no gradient to each other, and an anchor whose coordinates are all equal is at
/// SNR distance 0 of everything.
/// - Reference: SNR: Yuan et al., *Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric
///   Learning* (CVPR 2019).
public struct Distance: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case euclidean
    case squaredEuclidean = "squared-euclidean"
    case cosine, dot, snr
  }

  public var kind: Kind
  /// Whether rows are scaled to length 1 before they are compared.
  public var normalizes: Bool
  /// What a Euclidean distance is raised to.
  public var power: Double
  /// Which norm measures a Euclidean distance, and scales rows for it: (Σ |x|ᵖ)^(1/p).
  public var p: Double

  public init(_ kind: Kind, normalizes: Bool = true, power: Double = 1, p: Double = 2) {
    (self.kind, self.normalizes, self.power, self.p) = (kind, normalizes, power, p)
  }

  public static let euclidean = Distance(.euclidean)
  public static let cosine = Distance(.cosine)

  /// Whether a larger number means nearer.
  public var isSimilarity: Bool { kind == .cosine || kind == .dot }

  /// 1 for a distance and -1 for a similarity: what a value is multiplied with so that a smaller
  /// number means nearer.
  public var sign: Double { isSimilarity ? -1 : 1 }

  /// The distance of every row from every column, differentiable in both.
  ///
  /// - Parameters:
  ///   - rows: [n, dimension], the anchors.
  ///   - columns: [m, dimension], or nil to compare the rows with each other.
  /// - Returns: [n, m].
  /// - Complexity: one product of n × m × dimension; another for each gradient. With p other than 2
  ///   the same number of operations, but not as a product, which is much slower.
  public func matrix(_ rows: Tensor, _ columns: Tensor? = nil) -> Tensor {
    precondition(
      rows.shape.count == 2
        && columns.map { $0.shape.count == 2 && $0.shape[1] == rows.shape[1] }
          ?? true,
      "Distance.matrix: shapes \(rows.shape) and \(columns?.shape ?? []) do not fit")
    let (a, b) = (scaled(rows), columns.map { scaled($0) })
    switch kind {
    case .euclidean where p != 2: return pNormDistances(a, b, p: p, power: power)
    case .squaredEuclidean where p != 2: return pNormDistances(a, b, p: p, power: 2 * power)
    case .cosine, .dot: return b.map { a.timesTransposed($0) } ?? a.timesOwnTranspose()
    case .euclidean: return euclideanDistances(a, b, power: power)
    case .squaredEuclidean: return euclideanDistances(a, b, power: 2 * power)
    case .snr: return signalToNoise(a.withCenteredRows(), b?.withCenteredRows())
    }
  }
}

extension Distance {
  /// Rows as they are compared: of length 1 if the distance asks for it.
  public func scaled(_ rows: Tensor) -> Tensor {
    switch kind {
    case .cosine: rows.withUnitRows()
    case .dot, .snr: normalizes ? rows.withUnitRows() : rows
    case .euclidean, .squaredEuclidean: normalizes ? rows.withUnitRows(p: p) : rows
    }
  }
}

/// A value that compares embeddings with a distance that can be set.
public protocol Measuring: Configurable {
  var distance: Distance { get set }
}

extension Measuring {
  /// The settings "distance", "normalize", "p" and "power".
  public static var distanceSettings: [Setting<Self>] {
    [
      Setting("distance", \Self.distance.kind, "how embeddings are compared"),
      Setting(
        "normalize", \Self.distance.normalizes,
        "whether embeddings are scaled to length 1 before they are compared"),
      Setting(
        "p", \Self.distance.p, "the norm of a Euclidean distance, which scales rows too",
        in: 1...1000),
      Setting(
        "power", \Self.distance.power, "what a Euclidean distance is raised to", in: 0.01...100),
    ]
  }
}
