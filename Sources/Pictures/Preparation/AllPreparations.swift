import Settings

/// The preparations that families of networks were trained with.
public let allPreparations: [Named<PicturePreparation>] = [
  Named("imagenet", PicturePreparation()),
  Named("imagenet-bicubic", .cropped(edge: 256, filter: .bicubic)),
  Named("clip", .clip),
  Named("half", .half),
  Named("efficientnet-lite", .efficientNetLite),
]

extension PicturePreparation {
  fileprivate static func cropped(edge: Int, filter: ResizeFilter) -> PicturePreparation {
    var preparation = PicturePreparation()
    (preparation.edge, preparation.filter) = (edge, filter)
    return preparation
  }

  /// CLIP's: the shorter edge to 224 and its middle.
  fileprivate static let clip: PicturePreparation = {
    var preparation = cropped(edge: 224, filter: .bicubic)
    preparation.mean = [0.48145466, 0.4578275, 0.40821073]
    preparation.deviation = [0.26862954, 0.26130258, 0.27577711]
    return preparation
  }()

  /// -1 to 1, as ViTs trained by their authors' way and networks of TensorFlow.
  fileprivate static let half: PicturePreparation = {
    var preparation = cropped(edge: 248, filter: .bicubic)
    preparation.mean = [0.5, 0.5, 0.5]
    preparation.deviation = [0.5, 0.5, 0.5]
    return preparation
  }()

  /// (byte - 127) / 128.
  fileprivate static let efficientNetLite: PicturePreparation = {
    var preparation = cropped(edge: 256, filter: .bicubic)
    preparation.scale = 1
    preparation.mean = [127, 127, 127]
    preparation.deviation = [128, 128, 128]
    return preparation
  }()
}
