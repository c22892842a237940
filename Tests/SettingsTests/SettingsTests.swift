import Settings
import Testing

private enum Flavour: String, CaseIterable, Sendable { case sweet, salty }

private struct Dish: Configurable {
  var salt = 1.0
  var portions = 2
  var isHot = false
  var flavour = Flavour.sweet
  var limit: Double?
  var widths = [1, 2]

  static let settings = [
    Setting("salt", \Dish.salt, "how much salt", in: 0...10),
    Setting("portions", \Dish.portions, "how many eat", in: 1...8),
    Setting("isHot", \Dish.isHot, "whether it is hot"),
    Setting("flavour", \Dish.flavour, "what it tastes of"),
    Setting("limit", \Dish.limit, "the most that is allowed", in: 0...1),
    Setting("widths", \Dish.widths, "some widths", in: 1...100),
  ]
}

@Suite struct ConfigurableValues {
  @Test func settingsChangeTheValue() throws {
    let dish = try Dish().setting(
      [
        "salt": 2.5, "portions": 3, "isHot": true, "flavour": "salty", "limit": 0.5,
        "widths": [3, 4, 5],
      ], at: "test")
    #expect(dish.salt == 2.5 && dish.portions == 3 && dish.isHot && dish.flavour == .salty)
    #expect(dish.limit == 0.5 && dish.widths == [3, 4, 5])
    #expect(dish.settingValues["flavour"] == "salty")
    #expect(try Dish().setting(dish.settingValues, at: "again").settingValues == dish.settingValues)
  }

  @Test(
    arguments: [
      ("salt", 11), ("salt", "much"), ("portions", 2.5), ("portions", 0),
      ("portions", 1e300), ("isHot", 1), ("flavour", "bitter"), ("limit", 2), ("widths", [0]),
      ("widths", [1.5]), ("widths", 1), ("salt", .null),
    ] as [(String, JSONValue)])
  func whatIsNotAllowedIsRefused(name: String, value: JSONValue) {
    let failure = #expect(throws: Failure.self) { try Dish().setting([name: value], at: "here") }
    #expect(failure?.kind == .badData)
    #expect(failure?.description.hasPrefix("here: '\(name)' is \(value); expected ") == true)
  }

  @Test func unknownNamesSuggestTheNearest() {
    let failure = #expect(throws: Failure.self) { try Dish().setting(["sallt": 1], at: "here") }
    #expect(failure?.description.contains("did you mean 'salt'?") == true)
    #expect(failure?.description.contains("portions") == true)
  }
}

@Suite struct JSONValues {
  @Test func json5IsRead() throws {
    let value = try JSONValue(
      json5: "{ // a comment\n a: 1, 'b': [true, null, .5, 1e3,], c: \"x\\n\" }", at: "test")
    #expect(value == ["a": 1, "b": [true, .null, 0.5, 1000], "c": "x\n"])
  }

  @Test func writingReadsBack() throws {
    let value: JSONValue = [
      "a": [1, -2.5, 1e-300, true, .null], "b": ["nested": ["quote \" \\ \u{1} ü": "line\n"]],
      "empty": [:], "none": [],
    ]
    #expect(try JSONValue(json5: value.description, at: "test") == value)
    #expect(try JSONValue(json5: value.indented, at: "test") == value)
  }

  @Test func numbersAreExact() throws {
    for number in [0.1, 1 / 3, 1e22, 123456789012345680, .pi, Double.leastNonzeroMagnitude, -0.75] {
      let back = try JSONValue(json5: JSONValue.number(number).description, at: "test")
      #expect(back == .number(number))
    }
    #expect(JSONValue.number(.nan).description == "null")
  }

  @Test(arguments: ["{", "[1 2]", "{a:}", "\u{0}", "nonsense", ""])
  func damagedTextFails(text: String) {
    let failure = #expect(throws: Failure.self) { try JSONValue(json5: text, at: "here") }
    #expect(failure?.kind == .badData)
    #expect(failure?.description.contains("\n") == false)
  }
}

@Test(arguments: [
  ("multi-similarty", "multi-similarity"), ("tripletmargin", "triplet-margin"),
  ("acr-face", "arc-face"),
])
func nearestNameIsFound(word: String, expected: String) {
  let names = ["multi-similarity", "triplet-margin", "arc-face", "contrastive"]
  #expect(nearest(to: word, in: names) == expected)
}

@Test func nothingIsNearToNonsense() {
  #expect(nearest(to: "xyzzyplugh", in: ["contrastive", "arc-face"]) == nil)
}
