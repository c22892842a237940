import Autodiff
import Foundation
import Losses
import Settings
import Testing

/// The plain formula of a loss that no peer or publication gives values for: lists of numbers and
/// loops, from the definition.
struct ComposedLoss: Sendable, CustomStringConvertible {
  let name: String
  let parameters: [String: JSONValue]
  let formula: @Sendable (_ x: [[Double]], _ y: [Int], _ w: [[Double]]) -> Double
  var description: String { name }

  init(
    _ name: String, _ parameters: [String: JSONValue] = [:],
    _ formula: @escaping @Sendable ([[Double]], [Int], [[Double]]) -> Double
  ) { (self.name, self.parameters, self.formula) = (name, parameters, formula) }

  static let all: [ComposedLoss] = [
    ComposedLoss("decoupled-contrastive") { x, y, _ in
      mean(
        pairs(y).positive.map { a, p in
          log(y.indices.filter { y[$0] != y[a] }.map { exp(cosine(x[a], x[$0]) / 0.1) }.sum)
            - cosine(x[a], x[p]) / 0.1
        })
    },
    ComposedLoss("center") { x, y, w in
      mean(x.indices.map { squaredDistance(x[$0], w[y[$0]]) / 2 })
    },
    ComposedLoss("p2s-grad") { x, y, w in
      mean(
        x.indices.flatMap { i in
          w.indices.map { pow(cosine(x[i], w[$0]) - ($0 == y[i] ? 1 : 0), 2) }
        })
    },
    ComposedLoss("large-margin-softmax") { x, y, w in
      mean(
        x.indices.map { i in
          crossEntropy(
            w.indices.map { k in
              let c = cosine(x[i], w[k])
              let length = (dot(x[i], x[i]) * dot(w[k], w[k])).squareRoot()
              guard k == y[i] else { return length * c }
              let turn = (acos(c) * 4 / .pi).rounded(.down)
              return length * (pow(-1, turn) * cos(4 * acos(c)) - 2 * turn)
            }, y[i])
        })
    },
    ComposedLoss("d-simplex", ["classes": 4]) { x, y, _ in
      // Any four unit vectors with products -1/3 would not do: the first three coordinates are
      // permuted alike, the fourth corner is on their diagonal.
      let corners = (0..<4).map { k -> [Double] in
        let raw = (0..<3).map { j in
          (k == 3 ? (1 - 2.0) / 3 : k == j ? 1 : 0) - (1 + (1 - 2.0) / 3) / 4
        }
        let length = dot(raw, raw).squareRoot()
        return raw.map { $0 / length }
      }
      return mean(
        x.indices.map { i in crossEntropy(corners.map { dot(Array(x[i].prefix(3)), $0) }, y[i]) })
    },
  ]
}

@Suite struct ComposedTests {
  @Test(arguments: ComposedLoss.all) func agrees(_ row: ComposedLoss) throws {
    let found: any Loss = try allLosses.named(row.name, kind: "loss", at: "")
    let labels = [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    let (loss, input) = batch(try found.setting(row.parameters, at: ""), labels, .float64)
    let value = loss(input).value.item
    let weights = (loss as? any ProxyLoss).map { rows(of: $0.proxies) } ?? []
    let expected = row.formula(rows(of: input.embeddings), labels, weights)
    #expect(abs(value - expected) <= 1e-10 * max(1, abs(expected)))
  }
}

private func rows(of x: Tensor) -> [[Double]] {
  let (values, width) = (x.elements(as: Double.self), x.shape[1])
  return (0..<x.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
}

func mean(_ x: [Double]) -> Double { x.isEmpty ? 0 : x.sum / Double(x.count) }

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { $0 * $1 }.sum }

func squaredDistance(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).map { ($0 - $1) * ($0 - $1) }.sum
}

func cosine(_ a: [Double], _ b: [Double]) -> Double {
  dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
}

func crossEntropy(_ logits: [Double], _ target: Int) -> Double {
  log(logits.map { exp($0) }.sum) - logits[target]
}

/// The ordered pairs of equal and of different labels.
func pairs(_ y: [Int]) -> (positive: [(Int, Int)], negative: [(Int, Int)]) {
  let all = y.indices.flatMap { i in y.indices.map { (i, $0) } }.filter { $0.0 != $0.1 }
  return (all.filter { y[$0.0] == y[$0.1] }, all.filter { y[$0.0] != y[$0.1] })
}

extension [Double] {
  var sum: Double { reduce(0, +) }
}
