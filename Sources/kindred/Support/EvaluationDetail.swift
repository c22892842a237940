import Evaluation
import Settings

/// What `kindred evaluate` tells beside the numbers over all queries.
enum EvaluationDetail {
  case intervals
  /// The names of the classes, empty if they have none.
  case classes([String])
  /// The group of each query, and what groups are called.
  case groups([Int], [String])
}

struct DetailTable {
  /// The member of the JSON object.
  let key: String
  let json: JSONValue
  let text: String
}

/// The tables for some details; all of them are of metrics that are means over queries.
func detailTables(
  _ details: [EvaluationDetail], of query: EmbeddingSet, in gallery: EmbeddingSet?,
  _ options: EvaluationOptions
) throws(Failure) -> [DetailTable] {
  var names: [String] = []
  for name in options.metrics where try metric(named: name, at: "metrics").isMeanOverQueries {
    names.append(name)
  }
  let values = try queryValues(query, in: gallery, metrics: names, distance: options.distance)
  var tables: [DetailTable] = []
  for detail in details {
    switch detail {
    case .intervals: tables.append(intervals(names, values, query.labels, seed: options.seed))
    case .classes(let classNames):
      let curves = gallery == nil ? try Inspection(query).classCurves : nil
      tables.append(
        parts(
          "perClass", "class", names, values, query.labels,
          utility: curves.map { Dictionary(uniqueKeysWithValues: zip($0.labels, $0.meanUtilities)) }
        ) { classNames.indices.contains($0) ? classNames[$0] : "\($0)" })
    case .groups(let groups, let groupNames):
      tables.append(
        parts("perGroup", "group", names, values, groups, utility: nil) { groupNames[$0] })
    }
  }
  return tables
}

private func intervals(
  _ names: [String], _ values: [[Double?]], _ labels: [Int], seed: Int
) -> DetailTable {
  var table = Table(["metric", "value", "95 % over queries", "95 % over classes"])
  var members: [String: JSONValue] = ["definition": .string(MeanInterval.definition)]
  func text(_ range: ClosedRange<Double>) -> String {
    "\(fixed(range.lowerBound, 4)) … \(fixed(range.upperBound, 4))"
  }
  func json(_ range: ClosedRange<Double>) -> JSONValue {
    [.number(range.lowerBound), .number(range.upperBound)]
  }
  for (name, values) in zip(names, values) {
    guard let found = MeanInterval(values, labels: labels, seed: seed) else { continue }
    table.append([name, fixed(found.mean, 4), text(found.overQueries), text(found.overClasses)])
    members[name] = ["queries": json(found.overQueries), "classes": json(found.overClasses)]
  }
  return DetailTable(key: "intervals", json: .object(members), text: table.text)
}

/// The means over the queries of each class or group; those with the least first metric come first.
private func parts(
  _ key: String, _ kind: String, _ names: [String], _ values: [[Double?]], _ groups: [Int],
  utility: [Int: Double]?, name: (Int) -> String
) -> DetailTable {
  let shown = names.filter { ["recall@1", "r-precision", "map@r", "map", "mrr"].contains($0) }
  let columns = shown.isEmpty ? Array(names.prefix(5)) : shown
  var rows: [(group: Int, count: Int, means: [String: Double])] = []
  for (group, queries) in Dictionary(grouping: groups.indices, by: { groups[$0] }) {
    var means: [String: Double] = [:]
    for (index, metric) in names.enumerated() {
      let known = queries.compactMap { values[index][$0] }
      if !known.isEmpty { means[metric] = known.reduce(0, +) / Double(known.count) }
    }
    rows.append((group, queries.count, means))
  }
  let first = columns.first ?? ""
  func rank(_ row: (group: Int, count: Int, means: [String: Double])) -> Double {
    utility?[row.group] ?? row.means[first] ?? 2
  }
  rows.sort { rank($0) != rank($1) ? rank($0) < rank($1) : $0.group < $1.group }
  var table = Table([kind, "queries"] + columns + (utility == nil ? [] : ["utility"]))
  var members: [JSONValue] = []
  for row in rows {
    let last = utility == nil ? [] : [utility?[row.group].map { fixed($0, 4) } ?? "–"]
    table.append(
      [name(row.group), "\(row.count)"] + columns.map { row.means[$0].map { fixed($0, 4) } ?? "–" }
        + last)
    var json = row.means.mapValues { JSONValue.number($0) }
    json[kind] = JSONValue(row.group)
    json["name"] = .string(name(row.group))
    json["queries"] = JSONValue(row.count)
    if let utility { json["utility"] = utility[row.group].map { .number($0) } ?? .null }
    members.append(.object(json))
  }
  return DetailTable(key: key, json: .array(members), text: table.text)
}
