import Autodiff
import Geometry

/// A memory with a slot for each item.
///
/// - Reference: Wu et al., *Unsupervised Feature Learning via Non-Parametric Instance
///   Discrimination* (CVPR 2018). Slots start empty rather than with random rows.
extension CrossBatchMemory {
  /// The slots of the batch's items as they are, new items as they are in the batch, and those that
  /// are drawn of the others, in the order of the items. A row and its own slot are a pair.
  func bankReference(
    for batch: Tensor, labels batchLabels: [Int], items: [Int], random: Random
  ) -> ReferenceSet {
    let known = seen.elements(as: Double.self)
    var filled = self
    let new = items.indices.filter { known[items[$0] % size] == 0 }
    filled.moveSlots(
      to: batch.rows(at: new), labels: new.map { batchLabels[$0] }, items: new.map { items[$0] })
    let own = Set(items.map { $0 % size })
    var others = known.indices.filter { known[$0] > 0 && !own.contains($0) }
    if drawn > 0, others.count > drawn {
      var random = random
      others = random.permutation(others.count).prefix(drawn).map { others[$0] }
    }
    let slots = (own + others).sorted()
    let all = filled.labels.elements(as: Double.self)
    return ReferenceSet(
      embeddings: filled.embeddings.rows(at: slots), labels: slots.map { Int(all[$0]) },
      places: [])
  }

  /// Moves the slot of each row's item half way to it, or all the way if it was empty.
  mutating func moveSlots(to batch: Tensor, labels batchLabels: [Int], items: [Int]) {
    switch embeddings.dtype {
    case .float32: move(to: batch, items, Float.self)
    case .float64: move(to: batch, items, Double.self)
    }
    let size = size
    labels.updateElements(of: Double.self) { labels in
      for (item, label) in zip(items, batchLabels) { labels[item % size] = Double(label) }
    }
    counts.updateElements(of: Double.self) { counts in
      counts[0] += Double(items.count)
      counts[1] += 1
    }
  }

  private mutating func move<S: Scalar>(to batch: Tensor, _ items: [Int], _: S.Type) {
    let rows = batch.detached.withUnitRows().elements(as: Double.self)
    let (size, dimension) = (size, batch.shape[1])
    var known = seen.elements(as: Double.self)
    embeddings.updateElements(of: S.self) { slots in
      for (i, item) in items.enumerated() {
        let slot = item % size
        let moved = (0..<dimension).map { k in
          rows[i * dimension + k] + (known[slot] > 0 ? Double(slots[slot * dimension + k]) : 0)
        }
        let length = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
        // Opposite rows cancel each other; then the slot stays where it is.
        guard length > 1e-6 || known[slot] == 0 else { continue }
        for k in 0..<dimension {
          slots[slot * dimension + k] = S(length > 0 ? moved[k] / length : 0)
        }
        known[slot] = 1
      }
    }
    seen = Tensor(known, shape: [size])
  }
}
