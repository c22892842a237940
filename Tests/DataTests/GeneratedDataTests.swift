import Autodiff
import Settings
import Testing

import Data

@Suite("Digits and glyphs")
struct GeneratedDataTests {
  // MARK: Digits

  @Test("The digits are the 1,797 of scikit-learn's copy")
  func digits() throws {
    let split = try Digits().load(root: "")
    #expect(split.train.itemShape == [8, 8, 1])
    // Counted in sklearn/datasets/data/digits.csv.gz.
    #expect(split.train.classSizes == [178, 182, 177, 183, 181])
    #expect(split.test.classSizes == [182, 181, 179, 174, 180])
    #expect(split.test.classNames == ["5", "6", "7", "8", "9"])
    let ink = (split.train.values + split.test.values).map { Int($0 * 16) }
    #expect(ink.reduce(0, +) == 561_718)
    #expect(ink.max() == 16 && ink.min() == 0)
    #expect(ink.prefix(16) == [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0])
  }

  @Test("Every pixel of the digits is in its place")
  func digitOrder() throws {
    // Each digit on its own, so that file order comes back by class; the weighted sum over
    // (place in the file + 1)(pixel + 1) was computed from the CSV file.
    let all = try Digits().setting(
      ["trainClasses": [0, 1, 2, 3, 4, 5, 6, 7, 8], "testClasses": [9]], at: "test"
    ).load(root: "")
    var sum = 0
    for part in [all.train, all.test] {
      for (item, name) in part.itemNames.enumerated() {
        let row = try #require(Int(name.dropFirst("digit ".count))) + 1
        for pixel in 0..<64 {
          sum += row * (pixel + 1) * Int(part.values[item * 64 + pixel] * 16)
        }
      }
    }
    #expect(sum == 16_337_198_609)
  }

  @Test("A digit cannot be on both sides, nor a side be empty")
  func digitSides() throws {
    let both = try Digits().setting(["trainClasses": [0, 5]], at: "test")
    #expect(failure { _ = try both.load(root: "") }.found.contains("the digit 5"))
    let none = try Digits().setting(["testClasses": []], at: "test")
    #expect(failure { _ = try none.load(root: "") }.kind == .badData)
  }

  // MARK: Glyphs

  private func glyphs(_ settings: [String: JSONValue] = [:]) throws -> DataSplit {
    let small: [String: JSONValue] = ["classes": 20, "perClass": 6, "size": 20]
    return try Glyphs().setting(small.merging(settings) { $1 }, at: "test").load(root: "")
  }

  @Test("Half of the classes are trained on, the others judged on")
  func glyphSplit() throws {
    let split = try glyphs()
    #expect(split.train.classNames.count == 10 && split.test.classNames.count == 10)
    #expect(Set(split.train.classNames).isDisjoint(with: split.test.classNames))
    #expect(split.train.classSizes.allSatisfy { $0 == 6 })
    #expect(split.train.itemShape == [20, 20, 1])
    #expect(try glyphs(["testFraction": 0.2]).test.classNames.count == 4)
  }

  @Test("The same seed gives the same glyphs, another seed others")
  func glyphSeed() throws {
    let first = try glyphs()
    #expect(first.train.hash == (try glyphs()).train.hash)
    #expect(first.train.hash != (try glyphs(["seed": 1])).train.hash)
  }

  @Test("A glyph stays as it is when there are more classes and writers")
  func glyphsAreIndependent() throws {
    let (few, many) = (try glyphs(), try glyphs(["classes": 33, "perClass": 9]))
    func items(_ split: DataSplit) -> [String: ArraySlice<Float>] {
      var items: [String: ArraySlice<Float>] = [:]
      for part in [split.train, split.test] {
        for (item, name) in part.itemNames.enumerated() {
          items[name] = part.values[item * 400..<(item + 1) * 400]
        }
      }
      return items
    }
    let (ours, theirs) = (items(few), items(many))
    #expect(ours.count == 120)
    #expect(ours.allSatisfy { theirs[$0.key] == $0.value })
  }

  @Test("Glyphs are ink on an empty ground, and a class looks like itself")
  func glyphsLookAlike() throws {
    let data = try glyphs(["classes": 40, "noise": 0, "testFraction": 0.5]).train
    #expect(data.values.allSatisfy { (0...1).contains($0) })
    for item in 0..<data.count {
      let ink = data.values[item * 400..<(item + 1) * 400].reduce(0, +) / 400
      #expect(ink > 0.02 && ink < 0.6, "\(data.itemNames[item]) has a share of ink of \(ink)")
    }
    let recall = recallAtOne(data)
    // Raw pixels must do far better than chance (1 in 20), and writers must matter.
    #expect(recall > 0.4 && recall < 1, "\(recall)")
  }

  private func recallAtOne(_ data: Dataset) -> Double {
    let width = data.itemWidth
    let hits = (0..<data.count).count { item in
      let nearest = (0..<data.count).filter { $0 != item }.min { a, b in
        distance(data, item, a, width) < distance(data, item, b, width)
      }
      return nearest.map { data.labels[$0] == data.labels[item] } ?? false
    }
    return Double(hits) / Double(data.count)
  }

  private func distance(_ data: Dataset, _ a: Int, _ b: Int, _ width: Int) -> Float {
    (0..<width).reduce(0) { sum, pixel in
      let difference = data.values[a * width + pixel] - data.values[b * width + pixel]
      return sum + difference * difference
    }
  }

  @Test("More glyphs than memory are refused before any is made")
  func tooManyGlyphs() {
    let message = failure { _ = try glyphs(["classes": 1_000_000, "perClass": 1_000_000]) }
    #expect(message.kind == .badData && message.found.contains("too many"))
  }

  // MARK: Splits

  @Test("A split by list takes those classes, by share some at random, and never both")
  func split() throws {
    let data = Dataset(
      name: "some", itemShape: [1], values: [1, 2, 3, 4, 5, 6], labels: [0, 1, 2, 3, 2, 1],
      classNames: ["ant", "bee", "cat", "dog"], itemNames: (0..<6).map(String.init))
    let listed = try ClassSplit(testClasses: ["cat", "ant"], testFraction: 0.5, seed: 0)
      .apply(to: data, at: "data")
    #expect(listed.train.classNames == ["bee", "dog"] && listed.train.values == [2, 4, 6])
    #expect(listed.test.classNames == ["ant", "cat"] && listed.test.values == [1, 3, 5])
    var seen: Set<[String]> = []
    for seed in 0..<20 {
      let split = try ClassSplit(testClasses: [], testFraction: 0.5, seed: seed)
        .apply(to: data, at: "data")
      #expect(split.test.classNames.count == 2)
      #expect(Set(split.train.classNames + split.test.classNames).count == 4)
      #expect(split.train.count + split.test.count == 6)
      seen.insert(split.test.classNames)
    }
    #expect(seen.count > 2)
    let unknown = failure {
      _ = try ClassSplit(testClasses: ["dig"], testFraction: 0.5, seed: 0).apply(to: data, at: "x")
    }
    #expect(unknown.remedy.contains("'dog'"))
    for fraction in [0, 0.1, 1] {
      let message = failure {
        _ = try ClassSplit(testClasses: [], testFraction: fraction, seed: 0)
          .apply(to: data, at: "x")
      }
      #expect(message.kind == .badData && message.expected.contains("one at least"))
    }
  }
}
