import Autodiff
import Geometry

/// A loss that can say how much an embedding looks like each class that it was trained on.
public protocol ClassScoring: Loss {
  /// The score of each class for each embedding, larger for a likelier class; without history.
  ///
  /// - Parameter embeddings: [items, dimension].
  /// - Returns: float64, [items, classes].
  /// - Complexity: O(items × proxies × dimension).
  func classScores(_ embeddings: Tensor) -> Tensor
}

extension ProxyLoss {
  /// How embeddings are compared with proxies: the cosine, unless the loss says otherwise.
  public var scoreDistance: Distance { .cosine }

  /// The similarity to the class's nearest proxy.
  public func classScores(_ embeddings: Tensor) -> Tensor {
    let (distance, each) = (scoreDistance, proxiesPerClass)
    let values = distance.matrix(embeddings.detached.widened(), proxies.detached.widened())
      .elements(as: Double.self)
    let (n, classes) = (embeddings.shape[0], classCount)
    var scores: [Double] = []
    scores.reserveCapacity(n * classes)
    for i in 0..<n * classes {
      let own = values[i * each..<(i + 1) * each]
      scores.append(own.reduce(-.infinity) { max($0, -distance.sign * $1) })
    }
    return Tensor(scores, shape: [n, classes])
  }
}

extension Tensor {
  /// The column of the largest value of each row, the first of equal ones.
  public func largestColumns() -> [Int] {
    let (values, width) = (elements(as: Double.self), shape[1])
    return (0..<shape[0]).map { i in
      let row = values[i * width..<(i + 1) * width]
      return (row.indices.max { (row[$0], $1) < (row[$1], $0) } ?? i * width) - i * width
    }
  }
}
