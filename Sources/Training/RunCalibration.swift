import Evaluation
import Files
import Settings

/// The calibration of a run, with what it was made of; what `calibration.json` holds.
public struct RunCalibration: Sendable, Equatable {
  public var calibration: Calibration
  /// Name, size and hash of the items that it was made on.
  public var data: String
  /// The checksum (CRC-32) of the model file, since a threshold holds for one model only.
  public var model: String

  /// - Parameter data: the items that the calibration was made on, by `Dataset.identity`.
  public init(_ calibration: Calibration, data: String, run: String) throws(Failure) {
    self.init(calibration, data: data, model: try RunCalibration.modelChecksum(of: run))
  }

  private init(_ calibration: Calibration, data: String, model: String) {
    (self.calibration, self.data, self.model) = (calibration, data, model)
  }

  private static func modelChecksum(of run: String) throws(Failure) -> String {
    String(CRC32.of(try FileSystem.read(RunFolder(run).model)[...]), radix: 16)
  }

  public var json: JSONValue {
    guard case .object(var members) = calibration.json else { return .null }
    members["data"] = .string(data)
    members["model"] = .string(model)
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
    self.init(try Calibration(value, at: path), data: data, model: model)
  }

  /// The calibration that lies in a run; nil if there is none.
  ///
  /// - Throws: if the run's model is not the one that was calibrated.
  public static func of(run: String) throws(Failure) -> RunCalibration? {
    let path = RunFolder(run).calibration
    guard FileSystem.exists(path) else { return nil }
    let found = try RunCalibration(path: path)
    guard found.model == (try modelChecksum(of: run)) else {
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
