import Autodiff
import Settings
import Texts

/// Makes one vector of the vectors of a text's tokens.
struct SentencePooling: Sendable {
  enum Mode: String, CaseIterable {
    case cls, max, mean
    case meanSquareRootLength = "mean_sqrt_len_tokens"
    case weightedMean = "weightedmean"
    case lastToken = "lasttoken"

    /// The key of the older spelling.
    var flag: String {
      switch self {
      case .cls: "pooling_mode_cls_token"
      case .max: "pooling_mode_max_tokens"
      case .mean: "pooling_mode_mean_tokens"
      case .meanSquareRootLength: "pooling_mode_mean_sqrt_len_tokens"
      case .weightedMean: "pooling_mode_weightedmean_tokens"
      case .lastToken: "pooling_mode_lasttoken"
      }
    }
  }

  let modes: [Mode]
  /// Whether the tokens of a prompt count.
  var includesPrompt = true

  init(_ modes: [Mode]) { self.modes = modes }

  /// Whether a text without tokens has a vector: zeros.
  var takesEmptyTexts: Bool { !modes.contains(.cls) && !modes.contains(.lastToken) }

  /// Reads the config.json of a Pooling module, in either spelling.
  init(_ config: JSONNode, at place: String) throws(Failure) {
    includesPrompt = config["include_prompt"]?.flag ?? true
    guard let node = config["pooling_mode"] else {
      let chosen = Mode.allCases.filter { config[$0.flag]?.flag == true }
      modes = chosen.isEmpty ? [.mean] : chosen
      return
    }
    var found: [Mode] = []
    for item in node.list ?? [node] {
      guard let name = item.string, let mode = Mode(rawValue: name) else {
        throw Failure(
          .badData, at: "\(place): pooling_mode", "'\(item.string ?? item.kind)' is not supported",
          remedy: suggestion(for: item.string ?? "", among: Mode.allCases.map(\.rawValue)))
      }
      found.append(mode)
    }
    modes = found.isEmpty ? [.mean] : found
  }

  /// One vector a text; several modes stand beside each other.
  ///
  /// - Parameter skipped: how many tokens at the beginning of each text do not count.
  func callAsFunction(_ hidden: Tensor, _ batch: TokenBatch, skipped: Int) -> Tensor {
    let ranges = batch.ranges.map {
      Swift.min($0.lowerBound + skipped, $0.upperBound)..<$0.upperBound
    }
    let parts = modes.map { pooled(hidden, by: $0, ranges, batch) }
    guard parts.count > 1 else { return parts[0] }
    // Columns beside columns are rows below rows of the transposes.
    return Tensor.concatenated(parts.map(\.transposed)).transposed
  }

  private func pooled(
    _ hidden: Tensor, by mode: Mode, _ ranges: [Range<Int>], _ batch: TokenBatch
  ) -> Tensor {
    func sums(_ weight: (_ i: Int, _ count: Int, _ place: Int) -> Double) -> Tensor {
      var weights: [Double] = []
      for (range, whole) in zip(ranges, batch.ranges) {
        for i in range { weights.append(weight(i, range.count, i - whole.lowerBound + 1)) }
      }
      return hidden.weightedRowSums(
        at: ranges.flatMap { Array($0) }, weights: weights, lengths: ranges.map(\.count))
    }
    switch mode {
    // A text without a token that counts has its first, as the library's search for one gives it.
    case .cls:
      return hidden.rows(
        at: zip(ranges, batch.ranges).map { $0.isEmpty ? $1.lowerBound : $0.lowerBound })
    case .lastToken:
      return hidden.rows(at: batch.ranges.map { $0.upperBound - 1 })
    case .max: return hidden.rowMaxima(in: ranges)
    case .mean: return sums { _, count, _ in 1 / Double(count) }
    case .meanSquareRootLength: return sums { _, count, _ in 1 / Double(count).squareRoot() }
    case .weightedMean:
      // Places count from the first token that counts: the skipped ones are masked, not padding.
      let totals = zip(ranges, batch.ranges).map { range, _ in
        Double(range.count * (range.count + 1)) / 2
      }
      var weights: [Double] = []
      for (range, total) in zip(ranges, totals) {
        for (k, _) in range.enumerated() { weights.append(Double(k + 1) / total) }
      }
      return hidden.weightedRowSums(
        at: ranges.flatMap { Array($0) }, weights: weights, lengths: ranges.map(\.count))
    }
  }
}
