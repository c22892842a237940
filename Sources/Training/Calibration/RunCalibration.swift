import Evaluation
import Files
import Settings

/// The calibration of a run, with what it was made of; what `calibration.json` holds.
public struct RunCalibration: Sendable, Equatable {
  public var calibration: Calibration
  /// A threshold on a score that depends on the query, if one was asked for.
  public var perQuery: QueryCalibration?
  /// A threshold for each of the run's test items, if they were asked for.
  public var perItem: ItemCalibration?
  /// Name, size and hash of the items that it was made on.
  public var data: String
  /// The checksum (CRC-32) of the model file, since a threshold holds for one model only; empty for
  /// vectors of which it is not known.
  public var model: String

  /// - Parameter data: the items that the calibration was made on, by `Dataset.identity`.
  public init(
    _ calibration: Calibration, perQuery: QueryCalibration? = nil, perItem: ItemCalibration? = nil,
    data: String, run: String
  ) throws(Failure) {
    (self.calibration, self.perQuery, self.perItem) = (calibration, perQuery, perItem)
    (self.data, model) = (data, try RunFolder(run).modelChecksum())
  }

  /// The calibration of vectors without their run.
  ///
  /// - Parameters:
  ///   - data: what they are.
  ///   - model: the checksum of the model that made them; nil if that is not known.
  public init(_ calibration: Calibration, data: String, model: String?) {
    (self.calibration, self.data, self.model) = (calibration, data, model ?? "")
  }

  public var json: JSONValue {
    guard case .object(var members) = calibration.json else { return .null }
    members["data"] = .string(data)
    members["model"] = .string(model)
    if let perQuery { members["perQuery"] = perQuery.json }
    if let perItem { members["perItem"] = perItem.json }
    return .object(members)
  }

  /// Reads a file that holds ``json``.
  public init(path: String) throws(Failure) {
    let value = try JSONValue(json5: try FileSystem.readText(path), at: path)
    guard case .string(let data)? = value["data"], case .string(let model)? = value["model"] else {
      throw Failure(
        .badData, at: path, "this does not tell the data and the model of a calibration",
        remedy: "calibrate again")
    }
    calibration = try Calibration(value, at: path)
    (self.data, self.model) = (data, model)
    perQuery = try value["perQuery"].map { (value) throws(Failure) in
      try QueryCalibration(value, at: "\(path): perQuery")
    }
    perItem = try value["perItem"].map { (value) throws(Failure) in
      try ItemCalibration(value, at: "\(path): perItem")
    }
  }

  /// The calibration that lies in a run; nil if there is none.
  ///
  /// - Throws: if the run's model is not the one that was calibrated.
  public static func of(run: String) throws(Failure) -> RunCalibration? {
    let path = RunFolder(run).calibration
    guard FileSystem.exists(path) else { return nil }
    let found = try RunCalibration(path: path)
    guard found.model == (try RunFolder(run).modelChecksum()) else {
      throw Failure(
        .badData, at: path, "this is the threshold of another model than the run has now",
        remedy: "calibrate again: kindred calibrate \(run) --far \(found.calibration.requestedRate)"
      )
    }
    return found
  }

  /// Writes the file whole or not at all.
  public func write(to path: String) throws(Failure) {
    try FileSystem.write(json.indented, to: path)
  }
}
