import Settings

/// Every modifier, with its default settings.
public let allModifiers: [Named<any Modifier>] = [
  Named("center-invariant", CenterInvariantRegularizer()),
  Named("confidence", ConfidenceModifier()),
  Named("energy-confusion", EnergyConfusionRegularizer()),
  Named("koleo", KoLeoRegularizer()),
  Named("lp", LpRegularizer()),
  Named("matryoshka", MatryoshkaModifier()),
  Named("metrix", MetrixModifier()),
  Named("regular-face", RegularFaceRegularizer()),
  Named("self-supervised", SelfSupervisedModifier()),
  Named("sparse-centers", SparseCentersRegularizer()),
  Named("zero-mean", ZeroMeanRegularizer()),
]
