import Foundation

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
  FileHandle.standardError.write(Data((Options.usage + "\n").utf8))
  exit(64)
}
if options.lists {
  for reader in allReaders { say(reader.name) }
} else if options.worker != nil || options.replay != nil {
  exit(try Worker(options.readers[0], options).run())
} else {
  var finds = 0
  for reader in options.readers { finds += try Watcher(reader, options).run() }
  exit(finds == 0 ? 0 : 1)
}
