/// A row for every operation, over several shapes, with zeros and ties where those are special.
public let operationGradientChecks: [GradientCheck] =
  elementwiseChecks + rowChecks + arrangementChecks + layerChecks + windowChecks + sequenceChecks

/// A fixed tensor of normal numbers.
private func point(_ shape: Int..., seed: UInt64 = 1) -> Tensor {
  var random = Random(seed: seed)
  return Tensor(normal: shape, deviation: 1, dtype: .float64, random: &random)
}

/// Numbers between 0.5 and 2.
private func positive(_ shape: Int..., seed: UInt64 = 2) -> Tensor {
  var random = Random(seed: seed)
  return Tensor((0..<shape.reduce(1, *)).map { _ in random.uniform(in: 0.5...2) }, shape: shape)
}

private let elementwiseChecks: [GradientCheck] = [
  GradientCheck("+", at: [point(3, 5), point(3, 5, seed: 3)]) { $0[0] + $0[1] },
  GradientCheck("-", at: [point(7), point(7, seed: 3)]) { $0[0] - $0[1] },
  GradientCheck("*", at: [point(1), point(1, seed: 3)]) { $0[0] * $0[1] },
  GradientCheck("* with itself", at: [point(2, 3)]) { $0[0] * $0[0] },
  GradientCheck("/", at: [point(4, 3), positive(4, 3)]) { $0[0] / $0[1] },
  GradientCheck("scaled", at: [point(5)]) { $0[0].scaled(by: -2.5) },
  GradientCheck("shifted", at: [point(5)]) { $0[0].shifted(by: 3) },
  GradientCheck("exp", at: [point(9)]) { exp($0[0]) },
  GradientCheck("log", at: [positive(9)]) { log($0[0]) },
  GradientCheck("relu", at: [point(33)]) { relu($0[0]) },
  GradientCheck("relu at 0", at: [Tensor(zeros: [4], dtype: .float64)]) {
    relu($0[0]) * relu($0[0])
  },
  GradientCheck("squareRoot", at: [positive(9)]) { squareRoot($0[0]) },
  GradientCheck("squareRoot at 0", at: [Tensor(zeros: [4], dtype: .float64)]) {
    squareRoot($0[0] * $0[0])
  },
  GradientCheck("abs", at: [point(17)]) { abs($0[0]) },
  GradientCheck("abs at 0", at: [Tensor(zeros: [4], dtype: .float64)]) { abs($0[0]) },
  GradientCheck("softplus", at: [Tensor([-800, -30, -1, 0, 0.5, 30, 800], shape: [7])]) {
    softplus($0[0])
  },
  GradientCheck("tanh", at: [point(9)]) { tanh($0[0]) },
  GradientCheck("sigmoid", at: [Tensor([-800, -5, -1, 0, 0.5, 5, 800], shape: [7])]) {
    sigmoid($0[0])
  },
]

private let rowChecks: [GradientCheck] = [
  GradientCheck("addingToRows", at: [point(3, 5), point(5, seed: 3)]) {
    $0[0].addingToRows($0[1])
  },
  GradientCheck("addingToRows of images", at: [point(2, 3, 1, 2), point(2, seed: 3)]) {
    $0[0].addingToRows($0[1])
  },
  GradientCheck("multiplyingRows", at: [point(2, 3, 5), point(5, seed: 3)]) {
    $0[0].multiplyingRows(by: $0[1])
  },
  GradientCheck("sum", at: [point(3, 5)]) { $0[0].sum() },
  GradientCheck("mean", at: [point(3, 5)]) { $0[0].mean() },
  GradientCheck("sumOverRows", at: [point(3, 5)]) { $0[0].sumOverRows() },
  GradientCheck("sumOverColumns", at: [point(3, 5)]) { $0[0].sumOverColumns() },
  GradientCheck("normalizedRows", at: [point(3, 5)]) { $0[0].normalizedRows() },
  GradientCheck("normalizedRows 1 x 1", at: [point(1, 1)]) { $0[0].normalizedRows() },
  GradientCheck("normalizedRows long", at: [point(2, 65).scaled(by: 1e6)], tolerance: 1e-5) {
    $0[0].normalizedRows()
  },
]

private let arrangementChecks: [GradientCheck] = [
  GradientCheck("reshaped", at: [point(3, 4)]) { $0[0].reshaped(to: [2, 6]) },
  GradientCheck("transposed", at: [point(3, 19)]) { $0[0].transposed },
  GradientCheck("rows", at: [point(4, 3)]) { $0[0].rows(at: [3, 0, 3, 3]) },
  GradientCheck("no rows", at: [point(4, 3)]) { $0[0].rows(at: []) },
  GradientCheck("concatenated", at: [point(4, 3), point(1, 3, seed: 3)]) {
    Tensor.concatenated([$0[0], $0[1], $0[0]])
  },
]

private let layerChecks: [GradientCheck] = [
  GradientCheck("times", at: [point(3, 4), point(4, 5, seed: 3)]) { $0[0].times($0[1]) },
  GradientCheck("times, first transposed", at: [point(4, 3), point(4, 5, seed: 3)]) {
    $0[0].times($0[1], transposingSelf: true)
  },
  GradientCheck("times, second transposed", at: [point(3, 4), point(5, 4, seed: 3)]) {
    $0[0].timesTransposed($0[1])
  },
  GradientCheck("times, both transposed", at: [point(4, 3), point(5, 4, seed: 3)]) {
    $0[0].times($0[1], transposingSelf: true, transposingOther: true)
  },
  GradientCheck("affine", at: [point(3, 4), point(5, 4, seed: 3), point(5, seed: 4)]) {
    affine($0[0], weight: $0[1], bias: $0[2])
  },
  GradientCheck("affine without bias", at: [point(1, 1), point(1, 1, seed: 3)]) {
    affine($0[0], weight: $0[1])
  },
  GradientCheck("affine with relu", at: [point(9, 17), point(33, 17, seed: 3), point(33)]) {
    affine($0[0], weight: $0[1], bias: $0[2], activation: .relu)
  },
  GradientCheck("affine of images", at: [point(2, 2, 3, 4), point(5, 4, seed: 3)]) {
    affine($0[0], weight: $0[1])
  },
  GradientCheck("convolution", at: [point(2, 5, 4, 3), point(2, 3, 3, 3, seed: 3), point(2)]) {
    convolution($0[0], weight: $0[1], bias: $0[2])
  },
  GradientCheck("convolution of one pixel", at: [point(1, 1, 1, 1), point(1, 3, 3, 1)]) {
    convolution($0[0], weight: $0[1])
  },
  GradientCheck("convolution 5 x 1", at: [point(1, 7, 3, 2), point(9, 5, 1, 2, seed: 3)]) {
    convolution($0[0], weight: $0[1])
  },
  GradientCheck("batchNormalization", at: [point(7, 3), point(3, seed: 3), point(3, seed: 4)]) {
    batchNormalization($0[0], scale: $0[1], shift: $0[2]).y
  },
  GradientCheck(
    "batchNormalization of images",
    at: [point(2, 3, 3, 2), point(2, seed: 3), point(2, seed: 4)]
  ) { batchNormalization($0[0], scale: $0[1], shift: $0[2]).y },
  GradientCheck("batchNormalization of one row", at: [point(1, 3), point(3), point(3)]) {
    batchNormalization($0[0], scale: $0[1], shift: $0[2]).y
  },
  GradientCheck("normalization", at: [point(7, 3), point(3, seed: 3), point(3, seed: 4)]) {
    normalization(
      $0[0], mean: point(3, seed: 5), variance: positive(3), scale: $0[1], shift: $0[2])
  },
  GradientCheck("maxPool2x2", at: [point(2, 4, 6, 3)]) { maxPool2x2($0[0]) },
  GradientCheck("maxPool2x2 of odd sides", at: [point(2, 5, 3, 1)]) { maxPool2x2($0[0]) },
  GradientCheck(
    "normalizedReluPooled", at: [point(3, 4, 4, 5), point(5, seed: 3), point(5, seed: 4)]
  ) { normalizedReluPooled($0[0], scale: $0[1], shift: $0[2]).y },
  GradientCheck(
    "normalizedReluPooled of odd sides",
    at: [point(2, 5, 7, 3), point(3, seed: 3), point(3, seed: 4)]
  ) { normalizedReluPooled($0[0], scale: $0[1], shift: $0[2]).y },
  GradientCheck(
    "normalizedReluPooled in inference",
    at: [point(2, 5, 7, 3), point(3, seed: 3), point(3, seed: 4)]
  ) {
    normalizedReluPooled(
      $0[0], mean: point(3, seed: 5), variance: positive(3), scale: $0[1], shift: $0[2])
  },
]

private let windowChecks: [GradientCheck] = [
  GradientCheck("relu6", at: [point(33).scaled(by: 5)]) { relu6($0[0]) },
  GradientCheck("leakyRelu", at: [point(33)]) { leakyRelu($0[0], slope: 0.1) },
  GradientCheck(
    "convolution 7 x 7 with stride 2", at: [point(2, 9, 8, 3), point(2, 7, 7, 3, seed: 3)]
  ) { convolution($0[0], weight: $0[1], stride: 2, padding: Padding(3)) },
  GradientCheck(
    "convolution 1 x 1 with stride 2", at: [point(2, 5, 4, 3), point(4, 1, 1, 3, seed: 3)]
  ) { convolution($0[0], weight: $0[1], stride: 2, padding: Padding(0)) },
  GradientCheck("convolution 1 x 1", at: [point(2, 3, 4, 3), point(4, 1, 1, 3), point(4)]) {
    convolution($0[0], weight: $0[1], bias: $0[2], stride: 1, padding: Padding(0))
  },
  GradientCheck("convolution of patches", at: [point(2, 9, 8, 2), point(3, 4, 4, 2), point(3)]) {
    convolution($0[0], weight: $0[1], bias: $0[2], stride: 4, padding: Padding(0))
  },
  GradientCheck(
    "convolution with zeros below and right", at: [point(2, 5, 6, 2), point(3, 3, 3, 2, seed: 3)]
  ) {
    convolution(
      $0[0], weight: $0[1], stride: 2, padding: Padding(top: 0, left: 0, bottom: 1, right: 1))
  },
  GradientCheck(
    "depthwiseConvolution", at: [point(2, 5, 4, 3), point(3, 3, 3, seed: 3), point(3, seed: 4)]
  ) { depthwiseConvolution($0[0], weight: $0[1], bias: $0[2], padding: Padding(1)) },
  GradientCheck(
    "depthwiseConvolution with stride 2", at: [point(2, 7, 6, 3), point(5, 5, 3, seed: 3)]
  ) {
    depthwiseConvolution(
      $0[0], weight: $0[1], stride: 2, padding: Padding(top: 2, left: 1, bottom: 2, right: 2))
  },
  GradientCheck(
    "depthwiseConvolution of many rows", at: [point(3, 40, 2, 1), point(3, 3, 1, seed: 3)]
  ) { depthwiseConvolution($0[0], weight: $0[1], padding: Padding(1)) },
  GradientCheck("maxPool", at: [point(2, 7, 6, 3)]) {
    maxPool($0[0], size: 3, stride: 2, padding: 1)
  },
  GradientCheck("maxPool of one pixel", at: [point(1, 1, 1, 2)]) {
    maxPool($0[0], size: 3, stride: 2, padding: 1)
  },
  GradientCheck("meanOverPixels", at: [point(2, 3, 4, 5)]) { meanOverPixels($0[0]) },
]

/// Sequences of 3, 1 and 5 tokens, of 2 heads of 4.
private let sequenceChecks: [GradientCheck] = [
  GradientCheck("gelu", at: [point(33)]) { gelu($0[0]) },
  GradientCheck("geluByTanh", at: [point(33)]) { geluByTanh($0[0]) },
  GradientCheck("silu", at: [point(33)]) { silu($0[0]) },
  GradientCheck("geluBySigmoid", at: [point(33)]) { geluBySigmoid($0[0]) },
  GradientCheck(
    "layerNormalization", at: [point(37, 5), point(5, seed: 3), point(5, seed: 4)]
  ) { layerNormalization($0[0], scale: $0[1], shift: $0[2], epsilon: 1e-5) },
  GradientCheck("layerNormalization without shift", at: [point(2, 3), point(3, seed: 3)]) {
    layerNormalization($0[0], scale: $0[1], epsilon: 1e-12)
  },
  GradientCheck("weightedRowSums", at: [point(4, 3)]) {
    $0[0].weightedRowSums(
      at: [3, 0, 3, 1], weights: [1, 0.5, -2, 0.25], lengths: [3, 0, 1])
  },
  GradientCheck("rowMaxima", at: [point(6, 3)]) { $0[0].rowMaxima(in: [0..<4, 4..<4, 4..<6]) },
  GradientCheck("columns", at: [point(3, 7)]) { $0[0].columns(in: 2..<5) },
  GradientCheck("rotated", at: [point(4, 8)]) {
    $0[0].rotated(positions: [0, 1, 2, 9], heads: 2, theta: 100)
  },
  GradientCheck("attention", at: [point(9, 8), point(9, 8, seed: 3), point(9, 8, seed: 4)]) {
    attention($0[0], $0[1], $0[2], lengths: [3, 1, 5], heads: 2)
  },
  GradientCheck(
    "attention within a window", at: [point(9, 8), point(9, 8, seed: 3), point(9, 8, seed: 4)]
  ) { attention($0[0], $0[1], $0[2], lengths: [3, 1, 5], heads: 2, window: 1) },
  GradientCheck(
    "attention with a bias",
    at: [point(9, 8), point(9, 8, seed: 3), point(9, 8, seed: 4), point(5, 2, seed: 5)]
  ) {
    attention(
      $0[0], $0[1], $0[2], lengths: [3, 1, 5], heads: 2,
      bias: RelativeBias(table: $0[3]) { max(-2, min(2, $0)) + 2 })
  },
  GradientCheck(
    "attention over more than a block",
    at: [point(70, 2), point(70, 2, seed: 3), point(70, 2, seed: 4)]
  ) { attention($0[0], $0[1], $0[2], lengths: [70], heads: 1) },
]
