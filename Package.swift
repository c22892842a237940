// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "Kindred",
  products: [
    .executable(name: "kindred", targets: ["kindred"]),
    .library(
      name: "Kindred",
      targets: [
        "Settings", "Pictures", "Texts", "Autodiff", "Geometry", "Classical", "Models", "Miners",
        "Losses", "Data",
        "Evaluation", "Index", "CorpusMining", "Training",
      ]),
  ],
  targets: [
    // MARK: Public API, in order of dependency
    .target(name: "Settings", swiftSettings: strict),
    .target(name: "Files", dependencies: ["Settings"], swiftSettings: strict),
    .target(
      name: "Pictures", dependencies: ["CPictures", "Files", "Settings"], swiftSettings: strict),
    .target(
      name: "Texts", dependencies: ["Files", "Settings"], exclude: ["Unicode/generate.py"],
      swiftSettings: strict),
    .target(name: "Autodiff", dependencies: ["CKernels"], swiftSettings: strict),
    .target(
      name: "Models", dependencies: ["Autodiff", "Files", "Settings", "Texts"],
      swiftSettings: strict),
    .target(name: "Geometry", dependencies: ["Autodiff", "Settings"], swiftSettings: strict),
    .target(
      name: "Classical", dependencies: ["Autodiff", "Files", "Geometry", "Settings"],
      swiftSettings: strict),
    .target(
      name: "Miners", dependencies: ["Autodiff", "Geometry", "Settings"], swiftSettings: strict),
    .target(
      name: "Losses", dependencies: ["Autodiff", "Geometry", "Miners", "Settings"],
      swiftSettings: strict),
    .target(
      name: "Data", dependencies: ["Autodiff", "Files", "Index", "Pictures", "Settings", "Texts"],
      exclude: ["Digits/generate.py"], swiftSettings: strict),
    .target(
      name: "Evaluation", dependencies: ["Autodiff", "Geometry", "Settings"], swiftSettings: strict),
    .target(
      name: "Index", dependencies: ["Autodiff", "Files", "Geometry", "Settings"],
      swiftSettings: strict),
    .target(
      name: "CorpusMining",
      dependencies: [
        "Autodiff", "Data", "Files", "Geometry", "Index", "Miners", "Models", "Settings",
      ],
      swiftSettings: strict),
    .target(
      name: "Training",
      dependencies: [
        "Autodiff", "Classical", "Data", "Evaluation", "Files", "Geometry", "Index", "Losses",
        "Miners", "Models", "Settings", "Texts",
      ], swiftSettings: strict),
    .executableTarget(
      name: "kindred", dependencies: ["CorpusMining", "Pictures", "Texts", "Training"],
      swiftSettings: strict),

    // MARK: Tools for ourselves: no product
    .executableTarget(
      name: "kindred-fuzz", dependencies: ["CorpusMining", "Pictures", "Texts", "Training"],
      exclude: ["Seeds/generate.py"], swiftSettings: strict),

    // MARK: Implementation details
    .target(name: "CKernels"),
    .target(name: "CPictures"),

    // MARK: Tests
    .testTarget(name: "SettingsTests", dependencies: ["Settings"], swiftSettings: strict),
    .testTarget(
      name: "ClassicalTests", dependencies: ["Classical", "Files"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "FilesTests", dependencies: ["Files"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "PicturesTests", dependencies: ["CPictures", "Files", "Pictures"],
      resources: [.copy("Fixtures")], swiftSettings: strict),
    .testTarget(
      name: "TextsTests", dependencies: ["Files", "Texts"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(name: "AutodiffTests", dependencies: ["Autodiff"], swiftSettings: strict),
    .testTarget(
      name: "ModelsTests", dependencies: ["Files", "Models"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "MinersTests", dependencies: ["Miners"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "LossesTests", dependencies: ["Losses"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "DataTests", dependencies: ["Data"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "EvaluationTests", dependencies: ["Evaluation", "Geometry"], swiftSettings: strict),
    .testTarget(
      name: "IndexTests", dependencies: ["Files", "Geometry", "Index"],
      resources: [.copy("Fixtures")], swiftSettings: strict),
    .testTarget(
      name: "CorpusMiningTests", dependencies: ["CorpusMining", "Data", "Files", "Index"],
      swiftSettings: strict),
    .testTarget(
      name: "TrainingTests", dependencies: ["Training"], resources: [.copy("Fixtures")],
      swiftSettings: strict),
    .testTarget(
      name: "CommandTests", dependencies: ["Files", "Settings", "kindred", "kindred-fuzz"],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
