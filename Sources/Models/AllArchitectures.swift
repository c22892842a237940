import Settings

/// Every architecture, with its default settings.
public let allArchitectures: [Named<any Architecture>] = [
  Named("linear", Linear()),
  Named("adapter", Adapter()),
  Named("mlp", MLP()),
  Named("conv4", Conv4()),
]
