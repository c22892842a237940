import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// What holds for every loss that is made of terms, under every reducer.
@Suite struct ReducerTests {
  private static let reduced = allLosses.filter { $0.value.ownReduction != nil }

  private static func reducers(for loss: any Loss) throws -> [(name: String, any Reducer)] {
    var result: [(String, any Reducer)] = []
    for named in allReducers where named.name != "divisor" || loss.ownReduction == .divisor {
      switch named.name {
      case "class-weighted":
        let weights: [String: JSONValue] = ["weights": [0.5, 2, 0, 3, 1.5]]
        result.append((named.name, try named.value.setting(weights, at: "")))
      case "per-anchor":
        for inner in ["mean", "sum", "avg-non-zero"] {
          let settings: [String: JSONValue] = ["reducer": .string(inner)]
          result.append(("\(named.name) \(inner)", try named.value.setting(settings, at: "")))
        }
      case "threshold":
        for (low, high) in [(0.02, 0.5), (0.3, 3.0)] {
          let settings: [String: JSONValue] = ["low": .number(low), "high": .number(high)]
          result.append(("\(named.name) \(low)", try named.value.setting(settings, at: "")))
        }
      default: result.append((named.name, named.value))
      }
    }
    return result
  }

  @Test func mostLossesAreMadeOfTerms() { #expect(Self.reduced.count >= 40) }

  @Test(arguments: reduced) func gradientFitsDifferences(_ named: Named<any Loss>) throws {
    for (name, reducer) in try Self.reducers(for: named.value) {
      for check in gradientChecks(for: named, reducer: reducer) {
        let outcome = check.run()
        #expect(outcome.passes, "\(name): \(outcome)")
      }
    }
  }

  @Test func variantsFitDifferences() throws {
    let variants: [(any Loss, [String: JSONValue])] = [
      (TripletMarginLoss(), ["swap": true]), (TripletMarginLoss(), ["smooth": true]),
      (MarginLoss(), ["learnBeta": true, "betaPerClass": true, "nu": 0.1]),
      (AngularLoss(), ["parity": true]),
      (ContrastiveLoss(), ["distance": "cosine", "positiveMargin": 1, "negativeMargin": 0]),
      (LiftedStructureLoss(), ["distance": "cosine"]),
    ]
    for (plain, settings) in variants {
      let loss = try plain.setting(settings, at: "")
      for (name, reducer) in try Self.reducers(for: loss) {
        for check in gradientChecks(for: Named("\(settings)", loss), reducer: reducer) {
          let outcome = check.run()
          #expect(outcome.passes, "\(name): \(outcome)")
        }
      }
    }
  }

  /// The loss's own way by name is the loss's own way.
  @Test(arguments: reduced) func ownReducerChangesNothing(_ named: Named<any Loss>) throws {
    let own = try #require(named.value.ownReduction)
    let (loss, plain) = batch(named.value, [0, 0, 0, 1, 1, 2, 3, 3, 3], .float64)
    var input = plain
    input.reducer = own.reducer
    try input.validateReducer(of: loss, at: "")
    let (value, gradients) = loss.valueWithGradients(plain)
    let (same, sameGradients) = loss.valueWithGradients(input)
    #expect(value == same)
    #expect(largestError(gradients[0], sameGradients[0]) == 0)
  }

  /// Row by row and at once, a reducer that counts all terms alike gives the same.
  @Test(arguments: reduced) func equalWeightsAreTheMean(_ named: Named<any Loss>) throws {
    let (loss, plain) = batch(named.value, [0, 0, 0, 1, 1, 2, 3, 3, 3], .float64)
    var (mean, weighted) = (plain, plain)
    mean.reducer = MeanReducer()
    weighted.reducer = try ClassWeightedReducer().setting(["weights": [1, 1, 1, 1]], at: "")
    let (value, gradients) = loss.valueWithGradients(mean)
    let (same, sameGradients) = loss.valueWithGradients(weighted)
    #expect(abs(value - same) <= 1e-12 * max(1, abs(value)))
    #expect(largestError(gradients[0], sameGradients[0]) <= 1e-12)
  }

  @Test func wrongReducersAreRefused() throws {
    let (loss, plain) = batch(VICRegLoss(), [0, 0, 1, 1], .float64)
    var input = plain
    input.reducer = SumReducer()
    #expect(throws: Failure.self) { try input.validateReducer(of: loss, at: "") }
    input.reducer = DivisorReducer()
    #expect(throws: Failure.self) { try input.validateReducer(of: ContrastiveLoss(), at: "") }
    input.reducer = ClassWeightedReducer()
    #expect(throws: Failure.self) { try input.validateReducer(of: ContrastiveLoss(), at: "") }
  }
}
