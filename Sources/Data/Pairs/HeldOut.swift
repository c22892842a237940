import Autodiff
import Settings

/// Which of some queries with an answer are judged on rather than trained on.
///
/// - Throws: if none are left for one of them.
func heldOut(of count: Int, share: Double, seed: Int) throws(Failure) -> [Int] {
  let held = Int((share * Double(count)).rounded())
  guard held > 0, held < count else {
    throw Failure(
      .badData, at: "data: testFraction",
      "\(share) of \(count) queries with positives leaves "
        + (held == 0 ? "none to judge on" : "none to train on"),
      expected: "some of both", remedy: "set another share, or give what to judge on apart")
  }
  var random = Random(seed: UInt64(seed)).split("test queries")
  return Array(random.permutation(count).prefix(held))
}
