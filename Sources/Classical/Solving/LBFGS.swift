import Foundation

/// Minimises a smooth function by limited-memory quasi-Newton steps.
///
/// A step along the two-loop direction is taken when it satisfies the strong Wolfe conditions, or,
/// where the value no longer resolves them, the approximate ones, which look at slopes alone; so
/// gradients go down to rounding. A value that is not finite marks a point outside the domain.
/// - Complexity: O(memory · size) beside the function for a step.
/// - Reference: Nocedal and Wright, *Numerical Optimization* (2006), algorithms 7.4 and 3.5; Hager
///   and Zhang, *A new conjugate gradient method with guaranteed descent* (2005), for the
///   approximate conditions.
package struct LBFGS: Sendable {
  package var memory = 30
  package var maxIterations = 1000
  /// Ends when the gradient is no longer than this.
  package var gradientTolerance = 1e-10
  /// Ends when a step lowers the value by less than this share of it, several times in turn.
  package var valueTolerance = 0.0

  package init() {}

  package struct Result: Sendable {
    package var point: [Double]
    package var value: Double
    package var gradient: [Double]
    package var iterations: Int
    package var gradientNorm: Double { norm(gradient) }
  }

  /// - Parameter function: the value at a point, writing the gradient.
  package func minimize(
    from start: [Double], _ function: @escaping ([Double], inout [Double]) -> Double
  ) -> Result {
    var gradient = [Double](repeating: 0, count: start.count)
    let value = function(start, &gradient)
    var state = Result(point: start, value: value, gradient: gradient, iterations: 0)
    var history = History(capacity: memory)
    var idle = 0
    while state.iterations < maxIterations, state.value.isFinite,
      state.gradientNorm > gradientTolerance
    {
      var direction = history.direction(state.gradient)
      var slope = dot(direction, state.gradient)
      if !(slope < 0) || !slope.isFinite {
        history.clear()
        direction = state.gradient.map { -$0 }
        slope = -dot(state.gradient, state.gradient)
      }
      let first = history.isEmpty ? min(1, 1 / max(1e-300, state.gradientNorm)) : 1
      let search = LineSearch(
        origin: state, direction: direction, slope: slope, function: function)
      guard let next = search.run(first: first) else {
        // A bad model of the function: start it anew, or end where even the gradient leads nowhere.
        guard !history.isEmpty else { break }
        history.clear()
        continue
      }
      history.add(
        step: difference(next.point, state.point),
        change: difference(next.gradient, state.gradient))
      let gain = state.value - next.value
      idle = gain <= valueTolerance * max(abs(next.value), 1e-300) ? idle + 1 : 0
      let iterations = state.iterations + 1
      state = next
      state.iterations = iterations
      // Without a tolerance, slopes may still fall where values no longer do.
      if idle >= (valueTolerance > 0 ? 3 : 30) { break }
    }
    return state
  }

  private func difference(_ a: [Double], _ b: [Double]) -> [Double] {
    var result = a
    for i in a.indices { result[i] -= b[i] }
    return result
  }
}

/// The last steps and what they did to the gradient.
private struct History {
  let capacity: Int
  private var steps: [(step: [Double], change: [Double], inverse: Double)] = []

  init(capacity: Int) { self.capacity = capacity }

  var isEmpty: Bool { steps.isEmpty }
  mutating func clear() { steps.removeAll() }

  mutating func add(step: [Double], change: [Double]) {
    let curvature = dot(step, change)
    guard curvature > 1e-14 * Classical.norm(step) * Classical.norm(change), curvature > 0 else {
      return
    }
    if steps.count == capacity { steps.removeFirst() }
    steps.append((step, change, 1 / curvature))
  }

  /// Minus the inverse of the Hessian, as far as it is known, times the gradient.
  func direction(_ gradient: [Double]) -> [Double] {
    var q = gradient.map { -$0 }
    guard let last = steps.last else { return q }
    var shares: [Double] = []
    for item in steps.reversed() {
      let share = item.inverse * dot(item.step, q)
      shares.append(share)
      add(-share, item.change, to: &q)
    }
    let scale = 1 / (last.inverse * dot(last.change, last.change))
    for i in q.indices { q[i] *= scale }
    for (item, share) in zip(steps, shares.reversed()) {
      add(share - item.inverse * dot(item.change, q), item.step, to: &q)
    }
    return q
  }

  private func add(_ factor: Double, _ x: [Double], to y: inout [Double]) {
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        for i in x.indices { y[i] += factor * x[i] }
      }
    }
  }
}

/// Looks along a direction for a point that satisfies the conditions of Wolfe.
private struct LineSearch {
  let origin: LBFGS.Result
  let direction: [Double]
  let slope: Double
  let function: ([Double], inout [Double]) -> Double

  private struct Trial {
    var step, value, slope: Double
    var result: LBFGS.Result?
  }

  private let decrease = 1e-4
  private let curvature = 0.9

  init(
    origin: LBFGS.Result, direction: [Double], slope: Double,
    function: @escaping ([Double], inout [Double]) -> Double
  ) {
    (self.origin, self.direction, self.slope) = (origin, direction, slope)
    self.function = function
  }

  private func at(_ step: Double) -> Trial {
    var point = origin.point
    for i in point.indices { point[i] += step * direction[i] }
    var gradient = [Double](repeating: 0, count: point.count)
    let value = function(point, &gradient)
    guard value.isFinite else {
      return Trial(step: step, value: .infinity, slope: .infinity, result: nil)
    }
    return Trial(
      step: step, value: value, slope: dot(gradient, direction),
      result: .init(point: point, value: value, gradient: gradient, iterations: 0))
  }

  private func isLowEnough(_ trial: Trial) -> Bool {
    if trial.value <= origin.value + decrease * trial.step * slope { return true }
    // Where the value is at the limit of its digits, slopes tell.
    return trial.value <= origin.value + 4e-16 * abs(origin.value)
      && trial.slope <= (2 * decrease - 1) * slope
  }

  private func isFlatEnough(_ trial: Trial) -> Bool { abs(trial.slope) <= -curvature * slope }

  func run(first: Double) -> LBFGS.Result? {
    // The minimum lies between `low`, from where it goes down, and `high`, which is too high or goes up.
    var low = Trial(step: 0, value: origin.value, slope: slope, result: nil)
    var high: Trial?
    var best: Trial?
    var step = first
    for _ in 0..<60 {
      let trial = at(step)
      let isLow = isLowEnough(trial)
      if isLow, isFlatEnough(trial) { return trial.result }
      if isLow, trial.value <= best?.value ?? .infinity { best = trial }
      if isLow, trial.slope < 0 { low = trial } else { high = trial }
      guard let end = high else {
        guard step < 1e30 else { break }
        step *= 4
        continue
      }
      if end.step - low.step <= 1e-15 * end.step { break }
      step = between(low, end)
    }
    return best?.result
  }

  /// The minimum of the cubic through both ends, away from them; the middle if one is not finite.
  private func between(_ a: Trial, _ b: Trial) -> Double {
    let (lower, upper) = (a.step, b.step)
    guard b.value.isFinite else { return lower + (upper - lower) * 0.1 }
    let d = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    let square = d * d - a.slope * b.slope
    guard square > 0, square.isFinite else { return (lower + upper) / 2 }
    let root = square.squareRoot()
    let cubic =
      b.step - (b.step - a.step) * (b.slope + root - d) / (b.slope - a.slope + 2 * root)
    guard cubic.isFinite else { return (lower + upper) / 2 }
    let margin = 0.1 * (upper - lower)
    return min(max(cubic, lower + margin), upper - margin)
  }
}
