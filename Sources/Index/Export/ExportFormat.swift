import Autodiff
import Files
import Settings

/// How vectors are exported.
public struct ExportOptions: Configurable {
  /// What near means in the index.
  public enum Metric: String, CaseIterable, Sendable {
    /// Inner product if all rows have unit length, else Euclidean distance.
    case automatic
    case innerProduct = "inner-product"
    case l2
  }

  public var metric = Metric.automatic
  /// How a graph is built.
  public var graph = HNSWSettings()
  public var lists = 0
  public var probes = 16
  public var parts = 8
  /// How vectors are made shorter, and how long they are then.
  public var reduction = ReductionMethod.none
  public var dimension = 0
  /// Candidates for each neighbour, which exact vectors are compared for; 0: none.
  public var refine = 0
  /// What was done to the items before they became these vectors, for indexes that take items.
  public var adapter: [VectorTransform] = []
  /// Queries like those that will be asked, for reductions that learn from them.
  public var queries: Tensor?
  /// The id of each vector; empty for row numbers.
  public var ids: [Int] = []
  /// The files of which this is one, for the page beside them.
  var allFileNames: [String] = []
  /// Text that the file carries, if its format can.
  public var metadata: [String: String] = [:]
  /// The class of each vector, as equal numbers for equal classes; empty if they have none.
  public var labels: [Int] = []
  /// The classes as they were given, which files carry; nil for the numbers of `labels`.
  public var classes: GivenLabels?
  /// The name of each vector; empty if they have none.
  public var names: [String] = []
  /// The id of the first vector; the others follow.
  public var firstID = 0
  /// The least similarity, or the negated largest distance, that is a match.
  public var threshold: Double?

  public init() {}

  public static var settings: [Setting<Self>] {
    [
      Setting("metric", \.metric, "what near means in the index"),
      Setting("links", \.graph.links, "M of a graph: links of a node", in: 2...256),
      Setting(
        "efConstruction", \.graph.efConstruction, "how many near nodes an insertion looks at",
        in: 1...100_000),
      Setting("order", \.graph.order, "the order in which vectors come into a graph"),
      Setting("seed", \.graph.seed, "of a graph's levels and of centres"),
      Setting("lists", \.lists, "lists of an inverted file; 0: the root of the number of vectors"),
      Setting(
        "probes", \.probes, "lists that a search reads unless it says otherwise", in: 1...65_536),
      Setting("parts", \.parts, "bytes of a product-quantised vector", in: 1...65_536),
      Setting(
        "reduction", \.reduction, "how vectors are made shorter, inside formats of FAISS"),
      Setting("dimension", \.dimension, "how long they are then", in: 0...1_048_576),
      Setting(
        "refine", \.refine,
        "candidates for each neighbour that are compared by exact vectors; 0: none", in: 0...1000),
    ]
  }

  /// The class of each vector as files carry it; nil if they have none.
  var givenClasses: GivenLabels? {
    labels.isEmpty ? nil : classes ?? GivenLabels(.integers(labels))
  }

  /// The metric for some vectors.
  public func metric(for vectors: Tensor) -> ExactIndex.Metric {
    switch metric {
    case .innerProduct: .innerProduct
    case .l2: .l2
    case .automatic: .automatic(for: vectors)
    }
  }
}

extension ExactIndex.Metric {
  /// Inner product if all rows are within 10⁻³ of unit length, else Euclidean distance.
  public static func automatic(for vectors: Tensor) -> ExactIndex.Metric {
    isUnit(vectors, within: 1e-3) ? .innerProduct : .l2
  }

  /// Whether all rows' lengths are within a tolerance of one.
  static func isUnit(_ vectors: Tensor, within tolerance: Float) -> Bool {
    let (vectors, columns) = (vectors.converted(to: .float32), vectors.shape[1])
    return vectors.withElements(of: Float.self) { x in
      stride(from: 0, to: x.count, by: columns).allSatisfy { start in
        abs(x[start..<start + columns].reduce(0) { $0 + $1 * $1 } - 1) < 2 * tolerance
      }
    }
  }
}
