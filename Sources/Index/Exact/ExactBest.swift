/// The best of many rows that are offered in turn: the smallest order first, then the smallest tie.
struct ExactBest {
  struct Item {
    let order: Double
    let tie, row: Int

    static func < (a: Item, b: Item) -> Bool {
      a.order != b.order ? a.order < b.order : (a.tie, a.row) < (b.tie, b.row)
    }
  }

  private let count: Int
  private var items: [Item] = []
  /// What no row comes among the best with; nil before there are enough.
  private var last: Item?

  init(count: Int) { self.count = count }

  mutating func removeAll() {
    items.removeAll(keepingCapacity: true)
    last = nil
  }

  mutating func offer(order: Double, tie: Int, row: Int) {
    let item = Item(order: order, tie: tie, row: row)
    if let last, !(item < last) { return }
    items.append(item)
    // Sorted seldom, since most of what is gathered goes again.
    if items.count >= 2 * count + 256 { last = sorted().last }
  }

  /// The best in their order; no more are kept.
  mutating func sorted() -> [Item] {
    // What comes from products is in order but for rounding.
    if zip(items, items.dropFirst()).contains(where: { $1 < $0 }) { items.sort(by: <) }
    if items.count > count { items.removeSubrange(count...) }
    return items
  }
}
