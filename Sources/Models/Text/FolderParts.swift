import Files
import Settings
import Texts

/// What modules.json of a folder lists, or what a folder without it is taken for.
struct FolderParts {
  /// The folder of the encoder and its tokeniser.
  var encoder: String
  /// Whether the encoder is a table of token vectors.
  var isTable = false
  var pooling = SentencePooling([.mean])
  /// Normalize and Dense modules, in order.
  var modules: [(kind: String, folder: String)] = []

  init(_ folder: String, say: (String) -> Void) throws(Failure) {
    encoder = folder
    let path = "\(folder)/modules.json"
    guard FileSystem.exists(path) else {
      if FileSystem.exists("\(folder)/config.json") {
        say("\(folder): there is no modules.json; the mean of the tokens is taken")
      }
      return
    }
    guard let list = try JSONNode(try FileSystem.read(path), at: path).list, !list.isEmpty else {
      throw Failure(.badData, at: path, "this is no list of modules", expected: "a list")
    }
    var hasPooling = false
    for (i, item) in list.enumerated() {
      let type = item["type"]?.string ?? ""
      let kind = type.split(separator: ".").last.map(String.init) ?? ""
      guard let name = item["path"]?.string, !name.split(separator: "/").contains("..") else {
        throw Failure(.badData, at: "\(path)[\(i)]", "its path is no folder within this one")
      }
      let part = name.isEmpty || name == "." ? folder : "\(folder)/\(name)"
      if i == 0 {
        guard kind == "Transformer" || kind == "StaticEmbedding" else {
          throw FolderParts.unsupported(type, "\(path)[0]")
        }
        (encoder, isTable) = (part, kind == "StaticEmbedding")
        continue
      }
      switch kind {
      case "Pooling" where i == 1 && !isTable:
        let file = "\(part)/config.json"
        pooling = try SentencePooling(try JSONNode(try FileSystem.read(file), at: file), at: file)
        hasPooling = true
      case "Normalize", "Dense": modules.append((kind, part))
      case "Dropout": continue
      default: throw FolderParts.unsupported(type, "\(path)[\(i)]")
      }
    }
    guard hasPooling || isTable else {
      throw Failure(
        .badData, at: path, "no Pooling follows the Transformer", expected: "one vector a text")
    }
  }

  private static func unsupported(_ type: String, _ place: String) -> Failure {
    Failure(
      .badData, at: place, "the module '\(type)' is not supported here",
      expected: "Transformer or StaticEmbedding, then Pooling, Dense and Normalize")
  }
}
