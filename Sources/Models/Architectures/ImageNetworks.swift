import Autodiff
import Settings

/// What networks of images have in common: features, then perhaps a linear embedding.
enum ImageNetworks {
  /// Fails unless inputs are images that are large enough.
  static func check(_ shape: [Int], smallest: Int, at place: String) throws(Failure) {
    guard shape.count == 3 else {
      throw Failure(
        .badData, at: place, "the inputs have shape \(shape)",
        expected: "images of shape [height, width, channels]",
        remedy: "use the model linear, adapter or mlp for vectors")
    }
    guard min(shape[0], shape[1]) >= smallest else {
      throw Failure(
        .badData, at: place, "the images are \(shape[1])×\(shape[0])",
        expected: "at least \(smallest)×\(smallest)", remedy: "set larger images")
    }
  }

  /// - Parameter embedding: the width of an embedding; 0 for the features themselves.
  static func encoder(
    _ features: some ImageEncoder, inputShape: [Int], embedding: Int, normalize: Bool,
    random: Random
  ) -> Encoder {
    var (random, layers) = (random.split("embedding"), [Named<any Layer>]())
    layers.append(Named("features", features))
    if embedding > 0 {
      layers.append(
        Named(
          "embedding",
          Dense(inputs: features.featureCount, outputs: embedding, random: &random)))
    }
    if normalize { layers.append(Named("unit", UnitLength())) }
    return Encoder(
      inputShape: inputShape, embeddingSize: embedding > 0 ? embedding : features.featureCount,
      layers: layers)
  }
}
