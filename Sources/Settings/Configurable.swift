/// A value with named settings, each with a default.
public protocol Configurable: Sendable {
  /// The value with all its defaults.
  init()
  /// What can be set, in the order in which it is shown.
  static var settings: [Setting<Self>] { get }
}

extension Configurable {
  public static var settings: [Setting<Self>] { [] }

  /// Returns this value with some settings changed.
  ///
  /// - Parameter place: where the settings were written, as in "recipe.json5: loss", for messages.
  public func setting(_ values: [String: JSONValue], at place: String) throws(Failure) -> Self {
    var result = self
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let setting = Self.settings.first(where: { $0.name == name }) else {
        throw Failure(
          .badData, at: place, "there is no setting '\(name)'",
          remedy: suggestion(for: name, among: Self.settings.map(\.name)))
      }
      guard setting.write(&result, value) else {
        throw Failure(
          .badData, at: place, "'\(name)' is \(value)", expected: setting.allowed,
          remedy: "it is \(setting.summary)")
      }
    }
    return result
  }

  /// The value of every setting.
  public var settingValues: [String: JSONValue] {
    Dictionary(uniqueKeysWithValues: Self.settings.map { ($0.name, $0.read(self)) })
  }

  /// What can be set, for lists and documentation.
  public static var settingDescriptions: [SettingDescription] {
    let defaults = Self()
    return settings.map {
      SettingDescription(
        name: $0.name, summary: $0.summary, allowed: $0.allowed, default: $0.read(defaults))
    }
  }
}

/// Returns a registered value with some settings changed.
public func configured<Value: Sendable>(
  _ value: Value, _ settings: [String: JSONValue], at place: String
) throws(Failure) -> Value {
  guard let configurable = value as? any Configurable,
    let result = try configurable.setting(settings, at: place) as? Value
  else {
    preconditionFailure("configured: \(Value.self) is not Configurable")
  }
  return result
}

/// A setting in words.
public struct SettingDescription: Sendable, Equatable {
  public let name, summary, allowed: String
  public let `default`: JSONValue
}
