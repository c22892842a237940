/// The four Unicode normalisation forms, with places.
///
/// - Reference: Unicode Standard Annex #15. The places follow the order in which the tokenizers
///   library decomposes, sorts and composes.
enum NormalizationForm: String, Sendable {
  case nfc = "NFC"
  case nfd = "NFD"
  case nfkc = "NFKC"
  case nfkd = "NFKD"

  private var isCompatible: Bool { self == .nfkc || self == .nfkd }
  private var composes: Bool { self == .nfc || self == .nfkc }

  /// Scalars below stay as they are, whatever stands beside them.
  private var inertLimit: UInt32 {
    switch self {
    case .nfc: 0x300
    case .nfd: 0xC0
    case .nfkc, .nfkd: 0xA0
    }
  }

  private struct Item {
    var scalar: UInt32
    var change: Int
    var combiningClass: UInt8
  }

  func normalize(_ text: inout AlignedText) {
    let limit = inertLimit
    guard text.scalars.contains(where: { $0 >= limit }) else { return }
    let decomposed = decompose(text.scalars)
    var rewriter = AlignedRewriter(text)
    if composes {
      compose(decomposed, into: &rewriter)
    } else {
      for item in decomposed { rewriter.put(item.scalar, change: item.change) }
    }
    text = rewriter.text
  }

  private func decompose(_ scalars: [UInt32]) -> [Item] {
    let properties = ScalarProperties.shared
    var items: [Item] = []
    items.reserveCapacity(scalars.count + scalars.count / 4)
    /// Where the marks begin that are not sorted yet.
    var pending = 0
    func sortPending() {
      guard items.count - pending > 1 else { return }
      var run = Array(items[pending...].enumerated())
      run.sort { ($0.1.combiningClass, $0.0) < ($1.1.combiningClass, $1.0) }
      items.replaceSubrange(pending..., with: run.map(\.element))
    }
    func push(_ scalar: UInt32, isFirst: Bool) {
      let combiningClass = scalar < 0x300 ? 0 : properties.combiningClass(scalar)
      if combiningClass == 0 {
        sortPending()
        pending = items.count + 1
      }
      items.append(
        Item(scalar: scalar, change: isFirst ? 0 : 1, combiningClass: combiningClass))
    }
    func push(_ map: ScalarMap, _ range: Range<Int>) {
      for i in range { push(map.targets[i], isFirst: i == range.lowerBound) }
    }
    for scalar in scalars {
      if scalar < 0xA0 {
        push(scalar, isFirst: true)
      } else if scalar >= 0xAC00, scalar < 0xD7A4 {
        let index = scalar - 0xAC00
        push(0x1100 + index / 588, isFirst: true)
        push(0x1161 + index % 588 / 28, isFirst: false)
        if index % 28 > 0 { push(0x11A7 + index % 28, isFirst: false) }
      } else if isCompatible, let range = properties.compatibility.range(of: scalar) {
        push(properties.compatibility, range)
      } else if let range = properties.canonical.range(of: scalar) {
        push(properties.canonical, range)
      } else {
        push(scalar, isFirst: true)
      }
    }
    sortPending()
    return items
  }

  private func compose(_ items: [Item], into rewriter: inout AlignedRewriter) {
    let properties = ScalarProperties.shared
    var starter: Item?
    var waiting: [Item] = []
    for item in items {
      guard let first = starter else {
        if item.combiningClass == 0 {
          starter = item
        } else {
          rewriter.put(item.scalar, change: item.change)
        }
        continue
      }
      let last = waiting.last?.combiningClass
      let isBlocked = last.map { $0 >= item.combiningClass } ?? false
      if !isBlocked, item.scalar >= 0x300,
        let composite = properties.composite(first.scalar, item.scalar)
      {
        starter = Item(
          scalar: composite, change: first.change + item.change - 1, combiningClass: 0)
      } else if item.combiningClass == 0 {
        rewriter.put(first.scalar, change: first.change)
        for mark in waiting { rewriter.put(mark.scalar, change: mark.change) }
        waiting.removeAll(keepingCapacity: true)
        starter = item
      } else {
        waiting.append(item)
      }
    }
    if let starter { rewriter.put(starter.scalar, change: starter.change) }
    for mark in waiting { rewriter.put(mark.scalar, change: mark.change) }
  }
}
