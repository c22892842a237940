/// Every reader of what comes from outside, a line each.
let allReaders: [FuzzedReader] =
  arrayReaders + textReaders + tableReaders + pictureReaders + vectorReaders + indexReaders
  + modelReaders + languageReaders + runReaders + checkpointReaders
