#pragma once
// std::visit(Overload{[](A) {...}, [](B) {...}}, variant).

namespace sipwsd::base {

template <typename... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overload(Fs...) -> Overload<Fs...>;

}  // namespace sipwsd::base
