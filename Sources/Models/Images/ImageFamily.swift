import Settings

/// Encoders whose files have the same tensor names.
protocol ImageFamily: Sendable {
  /// Whether tensors are of this family, by their names.
  func recognizes(_ tensors: ImageTensors) -> Bool

  /// What the tensors' shapes tell, and makes the encoder that they fill.
  func plan(
    _ tensors: ImageTensors, _ hints: ImageHints, _ maker: inout PartMaker
  ) throws(Failure) -> ImagePlan
}

/// An encoder to be filled, and what is known of its family.
struct ImagePlan: Sendable {
  var encoder: any ImageEncoder
  /// How the family's files call our parameters.
  var names: TensorNames
  /// The architecture in a word or two.
  var title: String
  /// The tensors, under other names where the file has newer ones.
  var tensors: ImageTensors
  /// Beginnings of the names of tensors that belong to no encoder: classifiers and the like.
  var others: [String]
  /// The name of the preparation that the family usually has.
  var preparation: String
  /// The side of the pictures that the weights were trained on, where the tensors tell it.
  var side: Int?
}

/// Every family, a line each.
let allImageFamilies: [any ImageFamily] = [
  ResNetFamily(), TorchvisionMobileNetFamily(), TimmMobileNetFamily(), LiteFamily(),
  TimmConvNeXtFamily(), TorchvisionConvNeXtFamily(), TimmTransformerFamily(),
  HuggingFaceTransformerFamily(), CLIPFamily(),
]

extension TensorNames.Rule {
  /// Our names of a batch normalisation for the field's.
  static func batchNorm(_ ours: String, _ theirs: String) -> [TensorNames.Rule] {
    [
      .init("\(ours).runningMean", "\(theirs).running_mean"),
      .init("\(ours).runningVariance", "\(theirs).running_var"),
      .init("\(ours).*", "\(theirs).*"),
    ]
  }

  /// The same of a convolution and its normalisation.
  static func normalized(
    _ ours: String, _ convolution: String, _ norm: String
  ) -> [TensorNames.Rule] {
    [.init("\(ours).convolution.*", "\(convolution).*")] + batchNorm("\(ours).norm", norm)
  }
}
