import Settings

/// Every schedule, with its default settings.
public let allSchedules: [Named<any Schedule>] = [
  Named("constant", ConstantSchedule()),
  Named("cosine", CosineSchedule()),
  Named("step", StepSchedule()),
]
