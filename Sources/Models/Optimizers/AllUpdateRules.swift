import Settings

/// Every update rule, with its default settings.
public let allUpdateRules: [Named<any UpdateRule>] = [
  Named("sgd", SGD()),
  Named("adamw", AdamW()),
]
