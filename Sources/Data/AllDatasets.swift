import Settings

/// Every data set, with its default settings.
public let allDatasets: [Named<any DataSource>] = [
  Named("digits", Digits()),
  Named("glyphs", Glyphs()),
  Named("omniglot", Omniglot()),
  Named("folder", PictureFolder()),
  Named("vectors", VectorFiles()),
  Named("idx", IDXFiles()),
  Named("csv", CSVFile()),
  Named("rows", RowFiles()),
  Named("table", TableFile()),
]
