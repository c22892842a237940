import Testing

@Suite("Pictures as Pillow reads them")
struct ManifestTests {
  @Test("The shared set", .enabled(if: sharedPictures != nil, "../shared is not here"))
  func shared() throws {
    let folder = try #require(sharedPictures)
    try Manifest(folder).check(folder)
  }

  @Test("The small set")
  func small() throws {
    let folder = try fixtures()
    let manifest = try Manifest(folder)
    #expect(manifest.files.count >= 60)
    manifest.check(folder)
  }
}
