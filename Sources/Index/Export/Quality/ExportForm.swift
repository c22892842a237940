import Autodiff
import Settings

/// A form in which vectors may be shipped: a format, its settings, and how hard it is searched.
///
/// Written as KIND[:NUMBER][@EFFORT]: `pca:32` leaves 32 numbers of each vector, `pq:16` is 16 bytes
/// a vector, `hnsw@64` is searched with ef 64 and `ivf@8` reads 8 lists.
public struct ExportForm: Sendable {
  public let name: String
  public let format: String
  /// The settings of the format, as in `--params`.
  public let settings: [String: JSONValue]
  public let effort: SearchEffort

  private struct Kind: Sendable {
    var format: String
    /// The setting that the number after the colon is.
    var number: String?
    var fixed: [String: JSONValue] = [:]
    var effort: WritableKeyPath<SearchEffort, Int> & Sendable = \.ef
    var hasEffort = false
  }

  private static func reduced(_ method: ReductionMethod) -> Kind {
    Kind(
      format: "faiss-transform", number: "dimension",
      fixed: ["reduction": .string(method.rawValue)])
  }

  private static let kinds: [Named<Kind>] =
    [
      Named("flat", Kind(format: "faiss-flat")), Named("int8", Kind(format: "int8")),
      Named("uint8", Kind(format: "uint8")), Named("binary", Kind(format: "binary")),
      Named("sq8", Kind(format: "faiss-sq8")),
      Named("pq", Kind(format: "faiss-pq", number: "parts")),
      Named("opq", Kind(format: "faiss-opq", number: "parts")),
      Named("ivf", Kind(format: "faiss-ivf-flat", effort: \.probes, hasEffort: true)),
      Named("hnsw", Kind(format: "faiss-hnsw", hasEffort: true)),
    ]
    + ReductionMethod.allCases.filter { $0 != .none }.map { Named($0.rawValue, reduced($0)) }

  /// - Throws: if the text is no form.
  public init(_ text: String, at place: String) throws(Failure) {
    func bad(_ what: String) -> Failure {
      Failure(
        .badUsage, at: place, "'\(text)' \(what)",
        expected: "KIND[:NUMBER][@EFFORT] with KIND one of "
          + ExportForm.kinds.map(\.name).joined(separator: ", "),
        remedy: "as in flat,pca:32,pq:8,hnsw@64, or all")
    }
    let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let words = halves[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let kind = ExportForm.kinds.first(where: { $0.name == words[0] })?.value else {
      throw bad("is no form")
    }
    var settings = kind.fixed
    if let number = kind.number {
      guard words.count == 2, let value = Int(words[1]), (1...65_536).contains(value) else {
        throw bad("has no number of \(number == "parts" ? "bytes" : "dimensions")")
      }
      settings[number] = JSONValue(value)
    } else if words.count == 2 {
      throw bad("takes no number")
    }
    var effort = SearchEffort()
    if halves.count == 2 {
      guard kind.hasEffort, let value = Int(halves[1]), (1...1_000_000).contains(value) else {
        throw bad("has no such effort")
      }
      effort[keyPath: kind.effort] = value
    }
    (name, format, self.settings, self.effort) = (text, kind.format, settings, effort)
  }

  /// What `all` stands for: the names of forms for vectors of a width.
  public static func usual(dimension d: Int, hasQueries: Bool) -> [String] {
    let (half, quarter) = (max(1, d / 2), max(1, d / 4))
    let parts = (1...quarter).last { d % $0 == 0 } ?? 1
    return ["flat", "leading:\(half)", "pca:\(half)", "pca:\(quarter)", "leanvec:\(half)"]
      + (hasQueries ? ["leanvec-queries:\(half)"] : [])
      + [
        "tldr:\(half)", "int8", "binary", "sq8", "pq:\(parts)", "opq:\(parts)", "ivf@8",
        "hnsw@16", "hnsw@64", "hnsw@256",
      ]
  }
}
