//! From a role to a plugin.

/// Makes a type that has a role a [`Plugin`](easebot_plugin::Plugin): each method is that of the role.
///
/// `plugin!(Delivery: AutoResponder)`, or `plugin!([S: Store] Keeper<S>: CombineArchiver)` for a generic type. The type can then be
/// used wherever a plugin is, and be [`Configured`](easebot_plugin::Configured) for `bots.toml` like any other. A type that has
/// two roles says itself, in an `impl Plugin`, which of them does what.
#[macro_export]
macro_rules! plugin {
    ([$($generics:tt)*] $type:ty: $role:path) => {
        #[$crate::__written::async_trait]
        // With the bound, a type without the role is told of once, not for each method.
        impl<$($generics)*> $crate::__written::Plugin for $type
        where
            $type: $role,
        {
            fn name(&self) -> &str {
                <Self as $role>::name(self)
            }

            fn interest(&self) -> $crate::__written::Interest {
                <Self as $role>::interest(self)
            }

            async fn start(
                &self,
                env: &$crate::__written::Env,
            ) -> ::core::result::Result<(), $crate::__written::PluginError> {
                <Self as $role>::start(self, env).await
            }

            async fn on_event(
                &self,
                event: &$crate::__written::Event,
                cx: &$crate::__written::Context,
            ) -> ::core::result::Result<$crate::__written::Flow, $crate::__written::PluginError> {
                <Self as $role>::on_event(self, event, cx).await
            }

            async fn run(
                &self,
                env: &$crate::__written::Env,
            ) -> ::core::result::Result<(), $crate::__written::PluginError> {
                <Self as $role>::run(self, env).await
            }

            fn hooks(&self) -> ::std::vec::Vec<$crate::__written::Hook> {
                <Self as $role>::hooks(self)
            }

            async fn on_request(
                &self,
                request: $crate::__written::HookRequest,
                env: &$crate::__written::Env,
            ) -> $crate::__written::HookReply {
                <Self as $role>::on_request(self, request, env).await
            }

            fn explain(
                &self,
                event: &$crate::__written::Event,
                bot: &$crate::__written::BotInfo,
            ) -> $crate::__written::Explanation {
                <Self as $role>::explain(self, event, bot)
            }

            async fn stop(&self) {
                <Self as $role>::stop(self).await;
            }
        }
    };
    ($type:ty: $role:path) => {
        $crate::plugin!([] $type: $role);
    };
}
