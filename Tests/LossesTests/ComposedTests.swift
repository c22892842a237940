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
    ComposedLoss("focal-info-nce", ["gamma": 0, "mixing": "none"]) { x, y, _ in
      mean(
        pairs(y).positive.map { a, p in
          let others = y.indices.filter { y[$0] != y[a] }.map { exp(cosine(x[a], x[$0]) / 0.05) }
          return log(1 + others.sum / exp(cosine(x[a], x[p]) / 0.05))
        })
    },
    ComposedLoss("noise-contrastive") { x, y, _ in
      let all = pairs(y)
      let mean = mean((all.positive + all.negative).map { exp(cosine(x[$0.0], x[$0.1]) / 0.07) })
      return LossesTests.mean(
        y.indices.compactMap { a -> Double? in
          let own = y.indices.filter { $0 != a && y[$0] == y[a] }
          let others = y.indices.filter { y[$0] != y[a] }
          guard !own.isEmpty, !others.isEmpty else { return nil }
          // As the paper has it: h = P / (P + m / n) with P = exp / (n E), whatever n is.
          func h(_ j: Int) -> Double {
            let p = exp(cosine(x[a], x[j]) / 0.07) / (1000 * mean)
            return p / (p + Double(others.count) / 1000)
          }
          return -own.map { log(h($0)) }.sum / Double(own.count)
            - others.map { log(1 - h($0)) }.sum
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
    ComposedLoss("histogram", ["bins": 10]) { x, y, _ in
      let shares = { (pairs: [(Int, Int)]) -> [Double] in
        (0...10).map { node in
          mean(
            pairs.map { a, b in
              max(0, 1 - Swift.abs(cosine(x[a], x[b]) - (Double(node) / 5 - 1)) / 0.2)
            })
        }
      }
      // Two rows that are alone in their classes are in no triplet.
      let hasPositive = y.map { label in y.count { $0 == label } > 1 }
      let (positive, negative) = (
        shares(pairs(y).positive),
        shares(pairs(y).negative.filter { hasPositive[$0.0] || hasPositive[$0.1] })
      )
      return (0...10).map { negative[$0] * Array(positive[0...$0]).sum }.sum
    },
    ComposedLoss("recall-at-k", ["temperature": 0.1, "ranks": [1, 3]]) { x, y, _ in
      let share = { (u: Double) in 1 / (1 + exp(-u)) }
      return mean(
        x.indices.map { a in
          1
            - mean(
              [1.0, 3].flatMap { k in
                x.indices.filter { $0 != a && y[$0] == y[a] }.map { p in
                  let rank = x.indices.filter { $0 != a && $0 != p }.map {
                    share((cosine(x[a], x[$0]) - cosine(x[a], x[p])) / 0.1)
                  }.sum
                  return share(k - 1 - rank)
                }
              })
        })
    },
    ComposedLoss("i-con", ["kernel": "student", "temperature": 0.5]) { x, y, _ in
      mean(
        x.indices.map { a in
          let others = x.indices.filter { $0 != a }
          let near = others.map { 1 / (1 + (1 - cosine(x[a], x[$0])) / 0.5) }
          let own = Double(others.count { y[$0] == y[a] })
          return zip(others, near).map { other, near_ in
            y[other] == y[a] ? log(near.sum / (own * near_)) / own : 0
          }.sum
        })
    },
    ComposedLoss("vicreg") { x, y, _ in
      let (left, right) = views(x, y)
      var value = 25 * mean(zip(left, right).map { squaredDistance($0, $1) / 6 })
      for view in [left, right] {
        let c = (0..<6).map { k in (0..<6).map { covariance(view, k, $0) } }
        value += 12.5 * mean((0..<6).map { max(0, 1 - (c[$0][$0] + 1e-4).squareRoot()) })
        for k in 0..<6 { for l in 0..<6 where l != k { value += c[k][l] * c[k][l] / 6 } }
      }
      return value
    },
    ComposedLoss("barlow-twins") { x, y, _ in
      let (left, right) = views(x, y)
      let both = zip(left, right).map { $0 + $1 }
      var value = 0.0
      for k in 0..<6 {
        for l in 0..<6 {
          let c =
            covariance(both, k, 6 + l)
            / (covariance(both, k, k) * covariance(both, 6 + l, 6 + l)).squareRoot()
          value += k == l ? (1 - c) * (1 - c) : 0.005 * c * c
        }
      }
      return value
    },
    ComposedLoss("alignment-uniformity") { x, y, _ in
      let (positive, negative) = pairs(y)
      let square = { (a: Int, b: Int) in 2 - 2 * cosine(x[a], x[b]) }
      return mean(positive.map(square))
        + log(mean((positive + negative).map { exp(-2 * square($0, $1)) }))
    },
    ComposedLoss("quadruplet") { x, y, _ in
      let far = { (a: Int, b: Int) in max(0, 2 - 2 * cosine(x[a], x[b])).squareRoot() }
      let (positive, negative) = pairs(y)
      return mean(
        x.indices.map { a in
          let p = positive.filter { $0.0 == a }.map(far).max() ?? 0
          let n = negative.filter { $0.0 == a }.map(far).min() ?? 0
          let other = negative.filter { y[$0.0] != y[a] && y[$0.1] != y[a] }.map(far).min() ?? 0
          return max(0, p - n + 1) + max(0, p - other + 0.5)
        })
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

  /// The Gaussian neighbourhood is the supervised contrastive loss less the entropy of the labels'.
  @Test func iConContainsTheSupervisedContrastiveLoss() {
    let labels = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    let (_, input) = batch(IConLoss(), labels, .float64)
    let divergence = IConLoss().valueWithGradients(input)
    let contrastive = SupervisedContrastiveLoss().valueWithGradients(input)
    #expect(abs(divergence.value + log(2) - contrastive.value) < 1e-12)
    #expect(largestError(divergence.gradients[0], contrastive.gradients[0]) < 1e-12)
  }

  @Test func iConContainsTheNormalizedSoftmax() {
    var divergence = IConLoss()
    (divergence.neighborhood, divergence.temperature) = (.proxies, 0.05)
    let labels = [0, 0, 1, 1, 2]
    let (loss, input) = batch(divergence, labels, .float64)
    let (softmax, _) = batch(NormalizedSoftmaxLoss(), labels, .float64)
    let (a, b) = (loss.valueWithGradients(input), softmax.valueWithGradients(input))
    #expect(abs(a.value - b.value) < 1e-12)
    #expect(largestError(a.gradients[0], b.gradients[0]) < 1e-12)
    #expect(largestError(a.gradients[1], b.gradients[1]) < 1e-12)
  }
}

/// The first and the second row of each class, the third and the fourth.
private func views(_ x: [[Double]], _ y: [Int]) -> ([[Double]], [[Double]]) {
  var (left, right): ([[Double]], [[Double]]) = ([], [])
  for label in Set(y).sorted() {
    let own = x.indices.filter { y[$0] == label }
    for k in stride(from: 0, to: own.count - 1, by: 2) {
      left.append(x[own[k]])
      right.append(x[own[k + 1]])
    }
  }
  return (left, right)
}

/// The covariance of two coordinates, over n - 1.
private func covariance(_ x: [[Double]], _ k: Int, _ l: Int) -> Double {
  let (a, b) = (mean(x.map { $0[k] }), mean(x.map { $0[l] }))
  return x.map { ($0[k] - a) * ($0[l] - b) }.sum / Double(x.count - 1)
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
