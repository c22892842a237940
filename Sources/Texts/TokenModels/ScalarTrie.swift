/// A trie over scalars: finds all tokens that a text begins with, in one walk.
struct ScalarTrie: Sendable {
  private var edges: KeyTable
  /// The token that ends at a node, or -1.
  private var tokens: [Int32] = [-1]
  static let root = 0

  /// - Parameter capacity: about how many scalars the tokens have together.
  init(capacity: Int = 0) { edges = KeyTable(capacity: capacity) }

  mutating func insert(_ text: [UInt32], token: Int) {
    var node = ScalarTrie.root
    for scalar in text {
      if let next = self.next(node, scalar) {
        node = next
      } else {
        edges.insert(UInt64(node) << 32 | UInt64(scalar), UInt64(tokens.count))
        node = tokens.count
        tokens.append(-1)
      }
    }
    tokens[node] = Int32(token)
  }

  /// The node that a scalar leads to.
  @inline(__always) func next(_ node: Int, _ scalar: UInt32) -> Int? {
    edges[UInt64(node) << 32 | UInt64(scalar)].map { Int(truncatingIfNeeded: $0) }
  }

  /// The token that ends at a node; negative for none.
  @inline(__always) func token(at node: Int) -> Int { Int(tokens[node]) }
}
