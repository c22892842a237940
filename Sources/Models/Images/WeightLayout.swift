import Autodiff

/// How the field's files lay out what we lay out for images with their channels last.
///
/// Kernels are [outputs, inputs, rows, columns] there and [outputs, rows, columns, inputs] here; those
/// of single channels [channels, 1, rows, columns] and [rows, columns, channels]. A 1×1 kernel may be a
/// matrix, and lengths of 1 may be left out.
package enum WeightLayout {
  /// A file's tensor in our layout; nil if it does not fit.
  package static func own(_ tensor: Tensor, as shape: [Int]) -> Tensor? {
    let found = tensor.shape
    if found.count == 4, shape.count == 4 {
      guard [found[0], found[2], found[3], found[1]] == shape else { return nil }
      return permuted(tensor, [0, 2, 3, 1])
    }
    if found.count == 4, shape.count == 3 {
      guard found[1] == 1, [found[2], found[3], found[0]] == shape else { return nil }
      return permuted(tensor, [2, 3, 0, 1]).reshaped(to: shape)
    }
    guard squeezed(found) == squeezed(shape) else { return nil }
    return tensor.reshaped(to: shape)
  }

  /// The shape that a file has for one of ours.
  static func others(_ shape: [Int]) -> [Int] {
    switch shape.count {
    case 4: [shape[0], shape[3], shape[1], shape[2]]
    case 3: [shape[2], 1, shape[0], shape[1]]
    default: shape
    }
  }

  /// One of our tensors as a file has it, in the file's shape.
  static func others(_ tensor: Tensor, as shape: [Int]) -> Tensor {
    switch tensor.shape.count {
    case 4: permuted(tensor, [0, 3, 1, 2])
    case 3: permuted(tensor, [2, 0, 1]).reshaped(to: shape)
    default: tensor.reshaped(to: shape)
    }
  }

  private static func squeezed(_ shape: [Int]) -> [Int] { shape.filter { $0 != 1 } }

  /// The tensor with its axes in another order.
  private static func permuted(_ tensor: Tensor, _ order: [Int]) -> Tensor {
    let shape = order.map { tensor.shape[$0] }
    var strides = [Int](repeating: 1, count: tensor.shape.count)
    for axis in strides.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * tensor.shape[axis + 1]
    }
    let steps = order.map { strides[$0] }
    func run<S: Scalar>(_: S.Type) -> Tensor {
      tensor.withElements(of: S.self) { source in
        Tensor(shape: shape, of: S.self) { target in
          var (index, place) = ([Int](repeating: 0, count: shape.count), 0)
          for e in target.indices {
            target[e] = source[place]
            for axis in shape.indices.reversed() {
              index[axis] += 1
              place += steps[axis]
              if index[axis] < shape[axis] { break }
              place -= shape[axis] * steps[axis]
              index[axis] = 0
            }
          }
        }
      }
    }
    return tensor.dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
