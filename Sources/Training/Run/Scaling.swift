import Autodiff
import Classical
import Data
import Files
import Models
import Settings

/// The mean and scale of each column, learned from the rows that a metric is learned from.
struct Scaling {
  let mean, scale: [Double]

  /// - Parameter standardizes: otherwise means are 0 and scales 1. A column that never changes has
  ///   scale 1.
  init(_ rows: Rows, standardizes: Bool) {
    let (n, d) = (rows.count, rows.width)
    guard standardizes else {
      (mean, scale) = ([Double](repeating: 0, count: d), [Double](repeating: 1, count: d))
      return
    }
    var means = [Double](repeating: 0, count: d)
    var squares = means
    for row in 0..<n { for j in 0..<d { means[j] += rows.values[row * d + j] / Double(n) } }
    for row in 0..<n {
      for j in 0..<d {
        let gap = rows.values[row * d + j] - means[j]
        squares[j] += gap * gap / Double(n)
      }
    }
    mean = means
    scale = squares.indices.map { j in
      let deviation = squares[j].squareRoot()
      return deviation > 1e-14 * abs(means[j]) && deviation.isFinite ? deviation : 1
    }
  }

  func rows(_ rows: Rows) -> Matrix {
    let d = rows.width
    var values = rows.values
    for i in values.indices { values[i] = (values[i] - mean[i % d]) / scale[i % d] }
    return Matrix(values, rows: rows.count, columns: d)
  }

  /// The scaling and the map in one linear layer, for rows as they come.
  func encoder(_ map: Matrix, inputShape: [Int]) -> Encoder {
    let (k, d) = (map.rows, map.columns)
    let weight = map.scalingColumns(by: scale.map { 1 / $0 })
    let bias = (0..<k).map { i in
      -(0..<d).reduce(0) { $0 + weight[i, $1] * mean[$1] }
    }
    var random = Random(seed: 0)
    var dense = Dense(inputs: d, outputs: k, random: &random)
    dense.weight = Tensor(weight.elements.map { Float($0) }, shape: [k, d])
    dense.bias = Tensor(bias.map { Float($0) }, shape: [k])
    return Encoder(
      inputShape: inputShape, embeddingSize: k,
      layers: [Named("flatten", Flatten()), Named("embedding", dense)])
  }

  /// L, M, mean and scale in float64, as NumPy's `load` reads them.
  func archive(_ map: Matrix) throws(Failure) -> [UInt8] {
    func array(_ values: [Double], _ shape: [Int]) -> [UInt8] {
      NumPyArray(shape: shape, elements: .float64(values)).bytes()
    }
    let metric = map.gram()
    return try ZipArchive(members: [
      (name: "L.npy", bytes: array(map.elements, [map.rows, map.columns])),
      (name: "M.npy", bytes: array(metric.elements, [map.columns, map.columns])),
      (name: "mean.npy", bytes: array(mean, [mean.count])),
      (name: "scale.npy", bytes: array(scale, [scale.count])),
    ]).bytes()
  }

  var notes: [String] {
    guard let far = mean.indices.first(where: { abs(mean[$0]) > 1e5 * scale[$0] }), scale[far] != 1
    else { return [] }
    return [
      "column \(far) lies far from 0 for how little it varies: the model, in float32, is less exact "
        + "than metric.npz"
    ]
  }
}
