import Foundation
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

  /// Whole numbers of 64 bits, with a sign or without, stay what they are.
  @Test func wholeNumbersOf64BitsAreExact() throws {
    let signed: [Int64] = [
      0, -1, 999_999_999_999_999, 1_000_000_000_000_001, 9_007_199_254_740_992,
      9_007_199_254_740_993, -9_007_199_254_740_993, 1_234_567_890_123_456_789, .max, .min,
    ]
    for number in signed {
      let value = JSONValue(number)
      #expect(value.description == "\(number)" && value.wholeValue == Int(number))
      #expect(value.numberValue == Double(number))
      #expect(try JSONValue(json5: value.description, at: "test") == value)
    }
    let unsigned: [UInt64] = [.max, 1 << 63, 1 << 63 + 1]
    for number in unsigned {
      let value = JSONValue(number)
      #expect(value.description == "\(number)" && value.wholeValue == nil)
      #expect(try JSONValue(json5: value.description, at: "test") == value)
    }
    // One value has one form.
    #expect(JSONValue(1 << 53) == .number(0x1p53))
    #expect(try JSONValue(json5: "0xFFFFFFFFFFFFFFFF", at: "t").description == "\(UInt64.max)")
    #expect(try JSONValue(json5: "-9007199254740993", at: "t").wholeValue == -9_007_199_254_740_993)
    #expect(try JSONValue(json5: "36893488147419103233", at: "t") == .number(0x1p65))
    #expect(try JSONValue(json5: "9007199254740993.0", at: "t") == .number(0x1p53))
  }

  @Test func everythingOfJSON5IsRead() throws {
    let text = """
      { $a_1: +.5, 'b': 0x1F, c: -1.e2, /* d */ "d": 'it''s', } // end
      """.replacingOccurrences(of: "''s", with: "\\'s")
    #expect(try JSONValue(json5: text, at: "t") == ["$a_1": 0.5, "b": 31, "c": -100, "d": "it's"])
    #expect(try JSONValue(json5: #""\u00e9\ud83d\ude00\x41\n""#, at: "t") == "é😀A\n")
  }

  @Test func failuresTellLineAndColumn() {
    let failure = #expect(throws: Failure.self) {
      try JSONValue(json5: "{\n  a: 1\n  b: 2 }", at: "f")
    }
    #expect(failure?.description.hasPrefix("f: line 3, column 3: ") == true)
  }

  @Test(arguments: [
    "{", "[1 2]", "{a:}", "\u{0}", "nonsense", "", "-", ".", "1e", "0x", "'a", "\"\\u12",
    "{a:1,a:2}",
    "/*", "[,]", "{,}", "1 2", "infinity", "--1", "1-1", "\"a\nb\"", "\"\\",
    String(repeating: "[", count: 100_000),
  ])
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
