import Autodiff

/// ‖u − v‖², summed in a fixed order; 0 exactly for equal vectors.
@inline(__always)
func squaredDistance<S: Scalar>(_ u: UnsafePointer<S>, _ v: UnsafePointer<S>, _ count: Int) -> S {
  // Eight sums that do not wait for each other.
  var (a, b, c, d): (S, S, S, S) = (0, 0, 0, 0)
  var (e, f, g, h): (S, S, S, S) = (0, 0, 0, 0)
  var i = 0
  while i + 8 <= count {
    a += (u[i] - v[i]) * (u[i] - v[i])
    b += (u[i + 1] - v[i + 1]) * (u[i + 1] - v[i + 1])
    c += (u[i + 2] - v[i + 2]) * (u[i + 2] - v[i + 2])
    d += (u[i + 3] - v[i + 3]) * (u[i + 3] - v[i + 3])
    e += (u[i + 4] - v[i + 4]) * (u[i + 4] - v[i + 4])
    f += (u[i + 5] - v[i + 5]) * (u[i + 5] - v[i + 5])
    g += (u[i + 6] - v[i + 6]) * (u[i + 6] - v[i + 6])
    h += (u[i + 7] - v[i + 7]) * (u[i + 7] - v[i + 7])
    i += 8
  }
  var sum = ((a + e) + (b + f)) + ((c + g) + (d + h))
  while i < count {
    sum += (u[i] - v[i]) * (u[i] - v[i])
    i += 1
  }
  return sum
}
