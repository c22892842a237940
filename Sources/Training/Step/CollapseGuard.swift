import Autodiff
import Geometry
import Losses
import Miners
import Settings

/// Watches for a collapse, when all items are embedded alike, and may act against it.
///
/// A step is collapsed if the mean cosine of its batch is above ``meanCosine`` or the spread of its
/// embeddings below ``relativeSpread`` of what it was at the first step. After ``patience``
/// collapsed steps in a row the guard warns, and for ``duration`` steps does what ``action`` says:
///
/// - `warn`: nothing more.
/// - `mine-easier`: every miner of triplets or pairs gives way to one that takes for each anchor
///   the farthest positive and the nearest negative that is farther than it (semi-hard).
/// - `ramp-margin`: margins of losses start at 0 and grow back in proportion to the steps.
/// - `spread`: adds ``weight`` × log mean exp(−2 ‖u − v‖²) over all pairs of different classes, which
///   pushes unit embeddings apart.
///
/// Collapse of batch-hard mining is likeliest in large batches and small dimensions.
/// - Reference: Xu et al., *Hard Negative Mining via Isometric Approximation* (ICLR 2024), for when
///   it happens and the measure of spread; uniformity: Wang and Isola (ICML 2020).
public struct CollapseGuard: Configurable {
  public enum Action: String, CaseIterable, Sendable {
    case warn, spread
    case mineEasier = "mine-easier"
    case rampMargin = "ramp-margin"
  }
  public var action = Action.warn
  public var meanCosine = 0.95
  public var relativeSpread = 0.01
  public var patience = 10
  public var duration = 100
  public var weight = 1.0

  public init() {}

  public static let settings = [
    Setting("action", \Self.action, "what is done against a collapse, after a warning"),
    Setting(
      "meanCosine", \Self.meanCosine, "the mean cosine above which a step is collapsed", in: -1...1),
    Setting(
      "relativeSpread", \Self.relativeSpread,
      "the spread below which a step is collapsed, as a share of the first step's", in: 0...1),
    Setting(
      "patience", \Self.patience, "how many collapsed steps in a row are one too many",
      in: 1...1 << 30),
    Setting("duration", \Self.duration, "for how many steps it acts", in: 1...1 << 30),
    Setting("weight", \Self.weight, "the weight of what spreads embeddings", in: 0...1e6),
  ]
}

/// What the guard of a run has seen so far; all of it is in the checkpoint.
struct CollapseWatch: Sendable {
  let settings: CollapseGuard
  /// The spread at the first step, collapsed steps in a row, steps that are left to act, how often it
  /// warned; [4].
  private(set) var state = Tensor([-1.0, 0, 0, 0], shape: [4])

  init(_ settings: CollapseGuard) { self.settings = settings }

  mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows {
    try body("guard", &state)
  }

  /// The losses of the next step: those of the recipe, or what the guard makes of them.
  func losses(_ loss: CompositeLoss) -> CompositeLoss {
    let left = state.elements(as: Double.self)[2]
    guard left > 0 else { return loss }
    var loss = loss
    switch settings.action {
    case .warn: break
    case .mineEasier:
      for i in loss.terms.indices {
        guard let miner = loss.terms[i].miner else { continue }
        var easier = BatchEasyHardMiner(positives: .hard, negatives: .semihard)
        if let measuring = miner as? any Measuring { easier.distance = measuring.distance }
        loss.terms[i].miner = easier
      }
    case .rampMargin:
      let share = 1 - left / Double(settings.duration)
      for i in loss.terms.indices {
        guard case .number(let margin)? = loss.terms[i].loss.settingValues["margin"],
          let ramped = try? loss.terms[i].loss.setting(
            ["margin": .number(margin * share)], at: "guard")
        else { continue }
        loss.terms[i].loss = ramped
      }
    case .spread:
      loss.terms.append(
        LossTerm(
          name: "guard-spread", loss: AlignmentUniformityLoss(), weight: settings.weight,
          miner: NegativePairsMiner()))
    }
    return loss
  }

  /// Takes note of a step; a warning if it was one collapsed step too many.
  mutating func note(_ health: EmbeddingHealth) -> String? {
    var values = state.elements(as: Double.self)
    if values[0] < 0 { values[0] = health.spread }
    let share = values[0] > 0 ? health.spread / values[0] : 0
    let cosine = health.meanCosine ?? -1
    let isCollapsed = cosine > settings.meanCosine || share < settings.relativeSpread
    values[1] = isCollapsed ? values[1] + 1 : 0
    values[2] = max(0, values[2] - 1)
    var warning: String?
    if values[1] >= Double(settings.patience), values[2] == 0 {
      warning = text(cosine, share, health)
      values[1] = 0
      values[2] = Double(settings.duration)
      values[3] += 1
    }
    state = Tensor(values, shape: [4])
    return warning
  }

  private func text(_ cosine: Double, _ share: Double, _ health: EmbeddingHealth) -> String {
    func short(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
    let rank = health.effectiveRank.map { ", effective rank \(short($0))" } ?? ""
    let seen =
      "the embeddings have collapsed for \(settings.patience) steps: mean cosine \(short(cosine)), "
      + "spread \(short(share)) of the first step's\(rank)"
    let does =
      switch settings.action {
      case .warn:
        "try smaller batches, a larger embedding, a lower learning rate, semihard negatives, or "
          + "guard: { action: \"mine-easier\" }"
      case .mineEasier: "mining semi-hard negatives for \(settings.duration) steps"
      case .rampMargin: "growing margins from 0 over \(settings.duration) steps"
      case .spread: "spreading embeddings for \(settings.duration) steps"
      }
    return seen + "; " + does
  }
}

/// All pairs of different classes and no others, so that a loss over pairs only pushes.
private struct NegativePairsMiner: AnchorwiseMiner {
  var distance = Distance.euclidean
  static let summary = "all pairs of different classes"
  static let findsTriplets = false
  static var settings: [Setting<Self>] { distanceSettings }

  func mine(_ row: Candidates, into found: inout FoundTuples) {
    for j in row.negatives { found.negative.append(Pair(row.anchor, j)) }
  }
}
