import Autodiff
import Foundation
import Geometry
import Settings

extension ProductIndex {
  /// A rotation R, of shape [d, d], for which the centres of x Rᵀ fit better than those of x.
  ///
  /// - Throws: unless the parts divide the width, or if there are no vectors.
  public static func rotation(
    for vectors: Tensor, parts: Int, rounds: Int = 12, seed: Int = 0, name: String = "vectors"
  ) throws(Failure) -> Tensor {
    let vectors = try vectors.checkedVectors(name: name)
    try checkParts(parts, of: vectors, name: name)
    return try productRotation(
      of: vectors, parts: parts, rounds: rounds,
      random: Random(seed: UInt64(bitPattern: Int64(seed))).split("rotation"))
  }
}

/// A rotation under which products of centres fit vectors better: OPQ.
///
/// It starts with the principal directions, dealt out so that the parts have like shares of the
/// variance; then centres and rotation take turns: centres of the rotated rows, then the rotation
/// R = V Uᵀ of xᵀ y = U Σ Vᵀ, which is nearest from the rows x to their decoded codes y.
/// - Reference: Ge, He, Ke and Sun, *Optimized product quantization* (2013), both its forms.
private func productRotation(
  of vectors: Tensor, parts: Int, rounds: Int, random: Random
) throws(Failure) -> Tensor {
  let d = vectors.shape[1]
  let rows = vectors.randomRows(16_384, random: random.split("rows"))
  let exact = rows.converted(to: .float64)
  var rotation = balancedDirections(of: rows, parts: parts)
  var centers: [Tensor?] = Array(repeating: nil, count: parts)
  for _ in 0..<rounds {
    let turned = rows.timesTransposed(rotation.converted(to: .float32))
    var decoded: [Tensor] = []
    for part in 0..<parts {
      let slice = turned.columns(part * (d / parts)..<(part + 1) * (d / parts))
      var stream = random.split(UInt64(part))
      let found = try clusterCenters(
        of: slice, count: ProductIndex.centersPerPart, iterations: 3, from: centers[part],
        random: &stream)
      centers[part] = found
      decoded.append(found.rows(at: try assignments(of: slice, to: found, metric: .l2)))
    }
    let codes = Tensor.besideEachOther(decoded).converted(to: .float64)
    let sum = codes.times(exact, transposingSelf: true)
    // A little of the last rotation decides where the rows do not.
    let pull = 1e-6 * (sum.dot(sum) / Double(d)).squareRoot()
    let next = (sum + rotation.scaled(by: pull)).orthogonalFactor()
    let error = next.times(next, transposingOther: true) - Tensor.identity(d, d)
    guard error.dot(error) < 1e-12 else { break }
    rotation = next
  }
  return rotation.converted(to: .float32)
}

/// The principal directions as rows, each dealt to the part with the least variance so far that
/// has room: Ge et al.'s parametric form, by products of variances.
private func balancedDirections(of rows: Tensor, parts: Int) -> Tensor {
  let d = rows.shape[1]
  let moments = rows.secondMoments(around: rows.columnMeans()).elements(as: Double.self)
  let eigen = SymmetricEigen(moments, size: d)
  let least = max(1e-300, (eigen.values.first ?? 0) * 1e-12)
  var members: [[Int]] = Array(repeating: [], count: parts)
  var logarithms = [Double](repeating: 0, count: parts)
  for i in 0..<d {
    let open = (0..<parts).filter { members[$0].count < d / parts }
    guard let part = open.min(by: { logarithms[$0] < logarithms[$1] }) else { break }
    members[part].append(i)
    // Shares above 1, so that a part with more directions has the larger product.
    logarithms[part] += log(max(least, eigen.values[i]) / least) + 1
  }
  let order = members.flatMap { $0 }
  return Tensor(order.flatMap { eigen.vectors[$0 * d..<($0 + 1) * d] }, shape: [d, d])
}

extension Tensor {
  /// Float32 matrices of as many rows, one right of the other.
  fileprivate static func besideEachOther(_ parts: [Tensor]) -> Tensor {
    let (n, widths) = (parts[0].shape[0], parts.map { $0.shape[1] })
    let d = widths.reduce(0, +)
    return Tensor(shape: [n, d], of: Float.self) { y in
      var start = 0
      for (part, width) in zip(parts, widths) {
        part.withElements(of: Float.self) { x in
          for row in 0..<n {
            for j in 0..<width { y[row * d + start + j] = x[row * width + j] }
          }
        }
        start += width
      }
    }
  }
}
