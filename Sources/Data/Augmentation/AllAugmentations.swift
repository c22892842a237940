import Settings

/// Every augmentation, with its default settings.
public let allAugmentations: [Named<any Augmentation>] = [
  Named("affine", AffineJitter())
]
