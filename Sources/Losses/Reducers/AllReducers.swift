import Settings

/// Every reducer, with its default settings.
public let allReducers: [Named<any Reducer>] = [
  Named("avg-non-zero", AvgNonZeroReducer()),
  Named("class-weighted", ClassWeightedReducer()),
  Named("divisor", DivisorReducer()),
  Named("mean", MeanReducer()),
  Named("per-anchor", PerAnchorReducer()),
  Named("sum", SumReducer()),
  Named("threshold", ThresholdReducer()),
]
