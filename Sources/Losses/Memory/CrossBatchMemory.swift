import Autodiff
import Geometry
import Settings

/// The embeddings of recent batches, which a loss compares the present batch with.
///
/// Rows go around a ring of ``size`` slots. A batch is put in first, detached, and then compared
/// with every filled slot; a row makes no pair with its own slot. So gradients flow through anchors
/// only: on the first batch the loss is the plain one, and its gradient half of the plain one if the
/// loss weighs a pair the same from both of its ends.
/// For the first ``warmup`` batches the memory is filled but not used, until the encoder moves
/// slowly enough for old embeddings to be near to what it would make of the same items now. Of a
/// batch with more rows than slots the last rows stay.
///
/// With a momentum what is remembered is made by a slow copy of the encoder. With keys of a second
/// view, and views of an item as the positives, this is the queue of momentum contrast.
///
/// With a slot for each item instead of a ring it is a memory bank: see ``Slots/item``.
/// - Complexity: O(size × dimension) memory and time a step, beside what the loss costs; another
///   forward pass with a momentum or a second view.
/// - Reference: Wang et al., *Cross-Batch Memory for Embedding Learning* (CVPR 2020); He et al.,
///   *Momentum Contrast for Unsupervised Visual Representation Learning* (CVPR 2020).
public struct CrossBatchMemory: Configurable, Sendable {
  /// How many embeddings are remembered.
  public var size: Int
  /// For how many batches the loss does without.
  public var warmup: Int
  /// How slowly a copy of the encoder follows it, whose embeddings are remembered; 0: the encoder's
  /// own are.
  public var momentum = 0.0
  /// Of what the remembered embeddings are.
  public var keys = Keys.sameView
  /// Which rows are of one class.
  public var positives = Positives.class

  public enum Keys: String, CaseIterable, Sendable {
    /// Of the very inputs of the batch; a row makes no pair with its own embedding.
    case sameView = "same-view"
    /// Of the items augmented a second time, so that a row and its own key are a positive pair.
    case secondView = "second-view"
  }

  public enum Positives: String, CaseIterable, Sendable {
    /// Rows of the same label.
    case `class`
    /// Views of the same item, whatever its label.
    case item
  }

  public enum Slots: String, CaseIterable, Sendable {
    /// The next ones around the ring.
    case ring
    /// The item's own: there f becomes the unit row of ½ f + ½ v with each new embedding v of it, and
    /// a batch is compared with what its items were before. Items not seen yet have no slot.
    case item
  }
  /// Where a row is put.
  public var slots = Slots.ring
  /// With how many slots that are drawn, beside its own, a batch is compared; 0: all.
  public var drawn = 0
  /// [size, dimension]
  var embeddings = Tensor(zeros: [0, 0], dtype: .float32)
  /// The class in each slot, a whole number; [size].
  var labels = Tensor(zeros: [0], dtype: .float64)
  /// How many rows and how many batches were ever put in; [2].
  var counts = Tensor(zeros: [2], dtype: .float64)
  /// 1 in each item's slot that is filled; [size], empty for a ring.
  var seen = Tensor(zeros: [0], dtype: .float64)

  public init(size: Int, warmup: Int = 0) { (self.size, self.warmup) = (size, warmup) }
  public init() { self.init(size: 1024) }

  public static let settings = [
    Setting("size", \Self.size, "how many embeddings are remembered", in: 1...1_000_000),
    Setting("warmup", \Self.warmup, "for how many batches the memory is filled but not used"),
    Setting(
      "momentum", \Self.momentum,
      "how slowly the encoder of what is remembered follows; 0: it is the encoder itself",
      in: 0...1),
    Setting("keys", \Self.keys, "whether the batch or a second view of its items is remembered"),
    Setting("positives", \Self.positives, "whether a class or an item's views are positives"),
    Setting("slots", \Self.slots, "whether rows go around a ring or each item has a slot"),
    Setting(
      "drawn", \Self.drawn, "with slots of items: how many a batch is compared with; 0: all",
      in: 0...1_000_000),
  ]

  /// Empties the memory and makes room for embeddings of a dimension.
  public mutating func clear(dimension: Int, dtype: DType) {
    embeddings = Tensor(zeros: [size, dimension], dtype: dtype)
    labels = Tensor(zeros: [size], dtype: .float64)
    counts = Tensor(zeros: [2], dtype: .float64)
    seen = Tensor(zeros: [slots == .item ? size : 0], dtype: .float64)
  }

  /// How many slots are filled.
  public var count: Int {
    if slots == .item { return seen.elements(as: Double.self).count { $0 > 0 } }
    return min(size, Int(counts.elements(as: Double.self)[0]))
  }
  private var batches: Int { Int(counts.elements(as: Double.self)[1]) }

  /// What a batch is compared with, the batch itself included; nil while warming up.
  ///
  /// - Parameters:
  ///   - embeddings: [batch, dimension], of the dimension and dtype of ``clear(dimension:dtype:)``.
  ///   - items: which item each row is, from 0 to size - 1; nil for the rows' places.
  ///   - random: for the slots that are drawn.
  public func reference(
    for embeddings: Tensor, labels: [Int], items: [Int]? = nil, random: Random = Random(seed: 0)
  ) -> ReferenceSet? {
    guard batches >= warmup else { return nil }
    if slots == .item {
      return bankReference(
        for: embeddings, labels: labels, items: items ?? Array(labels.indices), random: random)
    }
    let rows = Int(counts.elements(as: Double.self)[0])
    var filled = self
    filled.remember(embeddings, labels: labels)
    let places: [Int?] = labels.indices.map {
      keys == .secondView || $0 < labels.count - size ? nil : (rows + $0) % size
    }
    let slots = Array(0..<filled.count)
    return ReferenceSet(
      embeddings: filled.embeddings.rows(at: slots),
      labels: filled.labels.elements(as: Double.self).prefix(slots.count).map { Int($0) },
      places: places)
  }

  /// Puts a batch in the next slots, over what was there longest, or in those of its items.
  public mutating func remember(_ batch: Tensor, labels batchLabels: [Int], items: [Int]? = nil) {
    precondition(
      batchLabels.allSatisfy { Int(exact: Double($0)) == $0 },
      "CrossBatchMemory.remember: a label lies beyond ±2^53, where a slot cannot tell it exactly")
    precondition(
      batch.shape == [batchLabels.count, embeddings.shape[1]] && batch.dtype == embeddings.dtype
        && embeddings.shape[0] == size,
      "CrossBatchMemory.remember: \(batch.dtype) \(batch.shape) with \(batchLabels.count) labels "
        + "do not fit \(size) slots of \(embeddings.dtype) \(embeddings.shape)")
    if slots == .item {
      return moveSlots(
        to: batch, labels: batchLabels, items: items ?? Array(batchLabels.indices))
    }
    let start = Int(counts.elements(as: Double.self)[0])
    switch batch.dtype {
    case .float32: copy(batch, from: start, Float.self)
    case .float64: copy(batch, from: start, Double.self)
    }
    let size = size
    labels.updateElements(of: Double.self) { labels in
      for (i, label) in batchLabels.enumerated() { labels[(start + i) % size] = Double(label) }
    }
    counts.updateElements(of: Double.self) { counts in
      counts[0] += Double(batchLabels.count)
      counts[1] += 1
    }
  }

  private mutating func copy<S: Scalar>(_ batch: Tensor, from start: Int, _: S.Type) {
    let (size, dimension) = (size, embeddings.shape[1])
    batch.withElements(of: S.self) { rows in
      embeddings.updateElements(of: S.self) { slots in
        for i in 0..<batch.shape[0] {
          let slot = (start + i) % size
          for k in 0..<dimension { slots[slot * dimension + k] = rows[i * dimension + k] }
        }
      }
    }
  }

  /// Calls `body` with all that a resumed run needs, by name.
  public mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    try body("embeddings", &embeddings)
    try body("labels", &labels)
    try body("counts", &counts)
    if slots == .item { try body("seen", &seen) }
  }

  /// Checks state that was read from a file.
  public func validate(at place: String) throws(Failure) {
    let numbers = labels.elements(as: Double.self) + counts.elements(as: Double.self)
    guard counts.elements(as: Double.self).allSatisfy({ $0 >= 0 }),
      numbers.allSatisfy({ Int(exact: $0) != nil })
    else {
      throw Failure(
        .badData, at: place, "the labels or counts of a memory are no whole numbers",
        expected: "what kindred train wrote")
    }
  }
}
