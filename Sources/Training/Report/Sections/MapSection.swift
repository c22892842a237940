import Autodiff
import Evaluation

extension RunReport {
  /// How long drawing may take: as long as training did; a second for runs that do not tell.
  private var mapSeconds: Double { history.sessions.isEmpty ? 1 : history.seconds }

  /// How many items a map shows, so that drawing takes no longer than half of that; a thousand anyhow,
  /// with fewer rounds if need be.
  ///
  /// A round of the neighbour embedding looks at all pairs, of which a thread does 300 million a second
  /// or more, and products of rows at 10 billion additions a second come before.
  private var mapSize: Int {
    let width = Double(trained.set.embeddings.shape[1])
    let pair = (350 / 3e8 + width / 1e10) / Double(max(1, Parallel.threadCount))
    // Wide rows make the principal plane dear.
    let most = width > 2048 ? 1000 : 5000
    return max(1000, Int(min(Double(most), (mapSeconds / 2 / pair).squareRoot())))
  }

  /// The most numbers of a raw item whose principal plane is drawn beside.
  private static let widestRaw = 1024

  /// The test items in the plane: the raw input, and the embeddings twice.
  func mapSection(onProgress: (_ done: Int, _ of: Int) -> Void) -> ReportSection? {
    let test = data.test
    guard test.count > 1 else { return nil }
    let clock = ContinuousClock()
    let limit = clock.now + .seconds(mapSeconds)
    var random = Random(seed: 0).split("map")
    let items =
      test.count > mapSize
      ? random.permutation(test.count).prefix(mapSize).sorted() : Array(0..<test.count)
    func rows(_ embedding: ReportedEmbedding) -> Tensor {
      let width = embedding.set.embeddings.shape[1]
      return embedding.set.embeddings.withElements(of: Float.self) { all in
        Tensor(
          items.flatMap { all[$0 * width..<($0 + 1) * width] }, shape: [items.count, width])
      }
    }
    let shown = rows(trained)
    var plots: [ScatterPlot] = []
    func planePlot(_ name: String, _ plane: (points: [SIMD2<Double>], share: Double)) -> ScatterPlot
    {
      plot(
        "Principal components, \(name) (\(number(100 * plane.share, "%.0f")) % of the variance)",
        plane.points, items, "the two widest directions")
    }
    if raw.set.embeddings.shape[1] <= RunReport.widestRaw {
      plots.append(planePlot(raw.name, principalPlane(rows(raw))))
    }
    let plane = principalPlane(shown)
    plots.append(planePlot(trained.name, plane))
    var isCut = false
    let neighbors = neighborMap(
      shown, start: plane.points,
      isLate: {
        isCut = clock.now > limit
        return isCut
      }, onProgress: onProgress)
    plots.append(
      plot(
        "Neighbour embedding, \(trained.name)", neighbors, items,
        "near items are drawn near; sizes of groups and distances between them mean little"))
    let sample =
      items.count < test.count
      ? " \(items.count) of \(test.count) items, drawn at random, are shown." : ""
    let cut =
      isCut
      ? " The neighbour embedding was stopped early, so that it takes no longer than training." : ""
    return ReportSection(
      id: "map", title: "Map of the test items",
      body:
        "<p>A colour is a class; point at a dot to read what it is. Principal components are the "
        + "two widest directions; the neighbour embedding keeps neighbours together, and sizes of "
        + "groups and distances between them mean little in it. \(namesSentence)\(sample)\(cut)</p>"
        + "<div class=\"charts\">\(plots.map(\.html).joined())</div>")
  }

  private var namesSentence: String {
    data.test.classNames.count > 12
      ? "Names stand where there is room, those of the classes with the least utility first."
      : "Names stand at the middle of classes."
  }

  /// All classes, those with the least utility first.
  private var namedClasses: [Int] {
    let known = trained.inspection.classCurves
    let means = known?.meanUtilities ?? []
    let worst = means.indices.sorted {
      means[$0] != means[$1] ? means[$0] < means[$1] : $0 < $1
    }.compactMap { known?.labels[$0] }
    let named = Set(worst)
    return worst + data.test.classNames.indices.filter { !named.contains($0) }
  }

  private func plot(
    _ title: String, _ points: [SIMD2<Double>], _ items: [Int], _ description: String
  ) -> ScatterPlot {
    let names = namedClasses.map { label in
      // Of a long path the last part says enough in a small picture.
      let name = className(label)
      let last = name.split(separator: "/").last.map(String.init) ?? name
      return (group: label, name: name.count > TextBox.longest ? last : name)
    }
    return ScatterPlot(
      title: title, description: "\(items.count) items; \(description)",
      points: zip(points, items).map { place, item in
        let label = data.test.labels[item]
        return .init(
          place: place, group: label, label: "\(className(label)): \(data.test.itemNames[item])")
      }, groupNames: names)
  }
}
