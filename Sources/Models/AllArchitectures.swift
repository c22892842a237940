import Settings

/// Every architecture, with its default settings.
public let allArchitectures: [Named<any Architecture>] = [
  Named("linear", Linear()),
  Named("adapter", Adapter()),
  Named("mlp", MLP()),
  Named("conv4", Conv4()),
  Named("resnet12", ResNet12Architecture()),
  Named("resnet", ResNetArchitecture()),
  Named("vit", VisionTransformerArchitecture()),
]
